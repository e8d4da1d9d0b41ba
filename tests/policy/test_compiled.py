"""Generated code answers as the CEL library does: the same truth value, or both an error.

Expressions are made by type over the declared names, events are made with values at the edges, and
both engines are asked. Only what code is generated for is compared; how much that is, is measured.
"""

import ast
import math
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openhaven.policy.compile import Program, answering, kinds_of, plain
from openhaven.policy.conditions import Condition
from openhaven.policy.tree import read_tree, walk
from openhaven.policy.values import ERROR
from openhaven.policy.vocabulary import declare

COUNTERS = {"met.in_1h": "int", "paid.in_1h": "double", "pause": "int", "pause.known": "bool"}
VOCABULARY = declare(
    ["bad", "worse"], ["tricks"], ["known", "spared"], ["tagged"], counters=COUNTERS
)
KINDS = kinds_of(VOCABULARY.types)
EDGES = [0, 1, -1, 2, 3, 7, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
DECIMALS = [0.0, -0.0, 1.0, 1.5, -1.0, 2.0**53, 2.0**63, -(2.0**63), 1e300, 5e-324]
WORDS = ["", "a", "ab", "b", "zorg", "Zorg blat", "ß", "été", "\u0000", "日本", "😀", "none"]
PATTERNS = [
    "zorg|blat", "(?i)ZORG", "^a.*b$", r"\bblat\b", "[aé]", "", "a|", "(ab|b)", "😀|日", r"\x00",
    "z.{0,3}g", r"\s", "(?s).", "$",
]  # fmt: skip
TERM = re.compile(r"<(\w+)>")
many = settings(max_examples=150, deadline=None)


def quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(one):08x}" for one in text) + '"'


# What may stand for <a name> in an expression. `dyn` is what has no type before the event comes,
# `asked` what a loop asks of its x.
GRAMMAR: dict[str, list[str]] = {
    "compare": ["==", "!=", "<", "<=", ">", ">="],
    "sign": ["+", "-", "*", "/"],
    "search": ["startsWith", "endsWith", "contains"],
    "loop": ["exists", "all", "exists_one"],
    "pattern": [*map(quoted, PATTERNS)],
    "int": [
        "account.age_days", "counters.met.in_1h", "counters.pause", *map(str, EDGES),
        "size(banks.harms)", "(<int> <sign> <int>)",
        "(<int> % <int>)", "(-(<int>))", "size(<text>)", "size(<texts>)",
    ],
    "double": [
        *map(repr, DECIMALS), "counters.paid.in_1h", "(0.0 / 0.0)", "(<double> <sign> <double>)",
        "(-(<double>))",
    ],
    "text": [
        "item.text", "account.country", "item.language", "item.type", *map(quoted, WORDS),
        "(<text> + <text>)", "(<bool> ? <text> : <text>)",
    ],
    "texts": [
        "banks.harms", "banks.positive", "signals.unknown", '["a", "b", "zorg"]', '["known"]',
        "[<text>, <text>]", "<texts>.filter(x, <asked>)", "<texts>.map(x, x + <text>)",
        "<texts>.map(x, <asked>, x)", "(<bool> ? <texts> : <texts>)",
    ],
    "dyn": [
        *(f"context.{name}" for name in "abcdef"), "context.g.h", "context[account.country]",
        "context[<dyn>]", "dyn(null)", "dyn(<int>)", "dyn(<double>)", "dyn(<text>)",
        "dyn(<texts>)", "dyn(<bool>)", "(<dyn> <sign> <dyn>)", "(<dyn> + <int>)",
        "(<text> + <dyn>)",
        "(<dyn> % <dyn>)", "(-(<dyn>))", "(<bool> ? <dyn> : <dyn>)", "(<dyn> ? <dyn> : <dyn>)",
        "<texts>[<int>]", "<texts>[<dyn>]", "[<dyn>, <dyn>][<int>]", "<dyn>[<dyn>]",
        "[<dyn>, 1].map(x, <dyn>)", "<dyn>.filter(x, <asked>)",
    ],
    "asked": [
        "x <compare> <text>", "x == <dyn>", "x.contains(<text>)", "x in <texts>",
        'x.matches("a|b") && <bool>', "<dyn> || x.startsWith(<text>)", "<bool>", "<dyn>", "true",
    ],
    "bool": [
        "counters.pause.known", "terms.bad", "terms.worse", "links.tricks", "item.has_media",
        "conversation.encrypted",
        "true", "false", "(<bool> && <bool>)", "(<bool> || <bool>)", "(<bool> && <dyn>)",
        "(<dyn> && <dyn> && <bool>)", "(<dyn> || <bool> || <dyn>)", "(!<bool>)",
        "(!<dyn> || <bool>)",
        "(<bool> ? <bool> : <bool>)", "(<dyn> ? <bool> : <bool>)",
        "(<int> <compare> <int>)", "(<double> <compare> <double>)", "(<text> <compare> <text>)",
        "(<bool> <compare> <bool>)", "(<dyn> <compare> <dyn>)", "(<dyn> <compare> <int>)",
        "(<double> <compare> <dyn>)", "(<dyn> <compare> <text>)", "(<texts> == <texts>)",
        "(<dyn> == <texts>)", "(<text> in <texts>)", "(<dyn> in <texts>)", "(<int> in [1, 2, 3])",
        "(<dyn> in [1, 2.5, true, null])", "(<dyn> in context)", "(<text> in context)",
        "(<dyn> in <dyn>)", "<text>.<search>(<text>)", "<dyn>.<search>(<text>)",
        "<text>.matches(<pattern>)", "<dyn>.matches(<pattern>)", "(size(<dyn>) > <int>)",
        "has(context.a)", "has(context.b.c)", '"a" in context', "(size(context) < <int>)",
        "<texts>.<loop>(x, <asked>)", "context.<loop>(x, <asked>)", "<dyn>.<loop>(x, <asked>)",
        "[<dyn>, <text>].<loop>(x, <asked>)", "context.exists(x, context[x] == <dyn>)",
    ],
}  # fmt: skip
LEAVES = {
    name: [one for one in ones if "<" not in TERM.sub("", one) and not TERM.search(one)] or ones
    for name, ones in GRAMMAR.items()
}
LEAVES["compare"] = GRAMMAR["compare"]


@st.composite
def conditions(draw: st.DrawFn) -> str:
    """Return a condition; some do not fit by their types, and the checker will say so."""

    def write(name: str, depth: int) -> str:
        chosen = draw(st.sampled_from((GRAMMAR if depth > 0 else LEAVES)[name]))
        return TERM.sub(lambda found: write(found[1], depth - 1), chosen)

    return write("bool", draw(st.integers(0, 4)))


CONDITIONS = conditions()
TEXT = st.one_of(st.sampled_from(WORDS), st.text("abzorg blté日", max_size=12)).filter(
    lambda text: "\0" not in text
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(EDGES),
    st.sampled_from([*DECIMALS, math.inf, -math.inf, math.nan]),
    TEXT,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
)
SHORT = st.lists(st.sampled_from(["a", "b", "known", "zorg", ""]), max_size=4)
BY_KIND = {
    "bool": st.booleans(),
    "int": st.one_of(st.sampled_from(EDGES), st.integers(-5, 400)),
    "double": st.one_of(st.sampled_from([*DECIMALS, math.inf, -math.inf, math.nan]), st.floats()),
    "text": TEXT,
    "texts": SHORT,
    "map": st.dictionaries(st.one_of(st.sampled_from("abcdefg"), TEXT), SCALARS, max_size=6),
}
ALWAYS = {name: BY_KIND[kind] for name, kind in KINDS.items() if "counters." not in name}
VALUES = st.fixed_dictionaries(
    ALWAYS,
    # What was never counted, or given by nobody, is missing.
    optional={name: BY_KIND[kind] for name, kind in KINDS.items() if name not in ALWAYS},
)


def compiled(text: str) -> Condition | None:
    """Return the condition, or None when the library refuses it (a type that does not fit).

    Words that can never stand somewhere are let through: both engines shall agree on them too.
    """
    try:
        program = VOCABULARY.env.compile(text)
    except RuntimeError:
        return None
    tree = read_tree(program.serialize())
    loops = [sum(one.kind == "loop" for one in walk(part)) for one in tree.nodes
             if one.kind == "loop" for part in one.parts[1:]]  # fmt: skip
    if any(loops) or program.return_type().name() != "BOOL":
        return None
    return Condition(text, tree.names & VOCABULARY.types.keys(), program, tree.root)


def of_library(condition: Condition, values: Mapping[str, Any]) -> bool | None:
    return condition.answer(VOCABULARY.env.Activation(dict(values)))


def of_program(condition: Condition, values: Mapping[str, Any]) -> bool | str | None:
    """Return what generated code says of the condition alone; a word when there is none."""
    program = Program([("it", condition.tree)], KINDS)
    if program.outside:
        return program.outside[0][1]
    held: list[str] = []
    open_: list[str] = []
    program.run(values, held.append, open_.append)
    return None if open_ else bool(held)


@many
@given(CONDITIONS, st.lists(VALUES, min_size=1, max_size=4))
def test_both_engines_say_the_same(text: str, events: list[dict[str, Any]]) -> None:
    condition = compiled(text)
    for values in events if condition else ():
        said = of_program(condition, values)
        assert isinstance(said, str) or said is of_library(condition, values)


@many
@given(CONDITIONS, VALUES, st.sets(st.sampled_from(sorted(KINDS))))
def test_both_engines_say_the_same_of_what_is_missing(
    text: str, values: dict[str, Any], gone: set[str]
) -> None:
    condition = compiled(text)
    answer = answering(condition.tree, KINDS) if condition else None
    if condition is None or answer is None:
        return
    known = {name: value for name, value in values.items() if name not in gone}
    said = answer(known)
    assert (None if said is ERROR else said) is of_library(condition, known)


@settings(max_examples=80, deadline=None)
@given(st.lists(CONDITIONS, min_size=2, max_size=25), VALUES)
def test_many_rules_in_one_function_do_not_disturb_each_other(
    texts: list[str], values: dict[str, Any]
) -> None:
    rules = [one for text in texts if (one := compiled(text))]
    program = Program(enumerate(one.tree for one in rules), KINDS)
    held: list[int] = []
    open_: list[int] = []
    program.run(values, held.append, open_.append)
    outside = {place for place, _ in program.outside}
    said = {place: None if place in open_ else place in held for place in range(len(rules))}
    for place, one in enumerate(rules):
        assert place in outside or said[place] is of_library(one, values)
    assert len(held) == len(set(held))


@settings(max_examples=200, deadline=None)
@given(CONDITIONS)
def test_the_text_of_a_function_has_nothing_of_the_rule(text: str) -> None:
    condition = compiled(text)
    program = Program([("it", condition.tree)], KINDS) if condition else None
    for node in ast.walk(ast.parse(program.source)) if program else ():
        assert not isinstance(node, ast.Attribute | ast.Import | ast.ImportFrom | ast.JoinedStr)
        if isinstance(node, ast.Constant):
            assert node.value is True or node.value is False
        if isinstance(node, ast.Name):
            assert node.id in ("v", "r", "say", "doubt") or (
                node.id[0] in "ntmkwl" and node.id[1:].isdigit()
            )
    assert program is None or program.run.__globals__["__builtins__"] == {}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("item.text == 'a'", {"item.text": "a\ud800"}),
        ("item.text == 'a'", {"item.text": "a\0b"}),
        ("context.a > 3", {"context": {"a": 2**63}}),
        ("context.a > 3", {"context": {"a": -(2**63) - 1}}),
        ("context.a == 3", {"context": {"a": [3]}}),
        ("context.a == 3", {"context": {"a": b"3"}}),
        ("banks.harms.all(x, x == 'a')", {"banks.harms": ["a"] * 51}),
        ("'\ud7ff' in context", {"context": {"\ud800": 1}}),
        ("context.exists(x, x == 'a')", {"context": dict.fromkeys(map(str, range(51)))}),
        ("'known' in banks.positive", {"banks.positive": ["\udfff"]}),
    ],
)
def test_values_at_which_the_library_is_asked(text: str, values: dict[str, Any]) -> None:
    assert compiled(text)
    assert not plain(values)


@given(VALUES)
def test_ordinary_values_are_for_generated_code(values: dict[str, Any]) -> None:
    assert plain(values)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("timestamp('2020-01-01T00:00:00Z') < timestamp('2021-01-01T00:00:00Z')", "timestamp"),
        ("string(account.age_days) == '3'", "string"),
        ("b'a' == b'b'", "bytes"),
        ("1u < 2u", "numbers without sign"),
        ("{'a': 1}.a == 1", "map"),
        ("context == context", "comparing maps"),
        ("type(context.a) == int", "type"),
        ("(banks.harms + banks.harms).exists(x, x == 'a')", "lists put together"),
        ("[1].exists(context, context == 1)", "a loop variable called context"),
        ("context.map(x, x) == ['a']", "keys of a map"),
    ],
)
def test_what_stays_in_the_library_says_why(text: str, reason: str) -> None:
    condition = compiled(text)
    assert condition
    assert reason in str(of_program(condition, {}))
