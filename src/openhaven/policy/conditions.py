"""One condition: from text to something that answers true, false or *unknown*; or to its mistakes.

Conditions are CEL (the Common Expression Language), checked by the library of the CEL team: loops
only over lists and never inside each other, regular expressions in linear time (RE2). An error
while a condition runs is a value, never an exception and never a match.
"""

import re
from typing import NamedTuple

import msgspec
import re2
from cel_expr_python import cel

from openhaven.policy.places import did_you_mean, named
from openhaven.policy.tree import Node, Tree, read_tree, walk
from openhaven.policy.vocabulary import FUNCTIONS, LABELS, Vocabulary

LONGEST = 4_000
_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '(.*)' \(in container")
_OVERLOAD = re.compile(r"found no matching overload for '(.*)' applied to '(.*)'")
_STRINGS = re.compile(r"(?s)r?('''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")")
_HAS_COUNTER = re.compile(
    r"\bhas\(\s*((?:counters|(?:account|item|target)\.label)\.\w+)[\w.]*\s*\)"
)
_COMPARE = ("_==_", "_!=_", "@in")
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


class Fault(NamedTuple):
    """A mistake in a condition: the character number (from 0) and what is wrong."""

    offset: int
    message: str


class Condition(msgspec.Struct, frozen=True):
    """A condition that compiled: its text, its tree, the names it reads, and the program."""

    text: str
    names: frozenset[str]
    program: cel.Expression
    tree: Node

    def answer(self, activation: cel.Activation) -> bool | None:
        """Return true or false, or None when it cannot be said (a value is missing or wrong)."""
        try:
            value = self.program.eval(activation=activation).plain_value()
        except (RuntimeError, OverflowError):  # The budget of steps, or a number beyond 64 bits.
            return None
        return value if isinstance(value, bool) else None


def compile_condition(text: str, vocabulary: Vocabulary) -> Condition | list[Fault]:
    """Return the condition, ready to answer, or everything that is wrong with its text."""
    if len(text) > LONGEST:
        return [Fault(LONGEST, f"A condition has at most {LONGEST} characters; put long lists of "
                               "words into a file under terms/.")]  # fmt: skip
    if strange := _strange_letters(text) or _asked_wrongly(text):
        return strange
    try:
        program = vocabulary.env.compile(text)
    except RuntimeError as error:
        return _explained(text, str(error), vocabulary)
    if program.return_type().name() != "BOOL":
        kind = program.return_type().name().lower()
        return [Fault(0, f"A condition must be true or false; this is of type {kind}. Compare it "
                         "with something, as in `name == value`.")]  # fmt: skip
    tree = read_tree(program.serialize())
    if faults := [
        *_bad_patterns(tree),
        *_loops_in_loops(tree),
        *_impossible_words(tree, vocabulary),
    ]:
        return faults
    return Condition(text, tree.names & vocabulary.types.keys(), program, tree.root)


def _strange_letters(text: str) -> list[Fault]:
    """Find letters outside of quotes that only look like the plain ones (`а` for `a`)."""
    if text.isascii():
        return []
    blank = _STRINGS.sub(lambda found: " " * len(found.group()), text)
    return [
        Fault(at, f"“{letter}” is {named(letter)}; outside of quotes only plain letters are used.")
        for at, letter in enumerate(blank)
        if not letter.isascii()
    ][:1]


def _asked_wrongly(text: str) -> list[Fault]:
    """Find `has()` around a counter or a label, which the library takes for the thing itself."""
    blank = _STRINGS.sub(lambda found: " " * len(found.group()), text)
    return [
        Fault(found.start(), f"has() is not for counters and labels; write `{found[1]}.known`.")
        for found in _HAS_COUNTER.finditer(blank)
    ][:1]


def _explained(text: str, message: str, vocabulary: Vocabulary) -> list[Fault]:
    """Turn the messages of the CEL library into sentences at their places."""
    found = [
        Fault(_offset(text, int(line), int(column)), _sentence(what, vocabulary))
        for line, column, what in _ERROR.findall(message)
        if int(line) > 0
    ]
    if found:
        return found
    if "recursion" in message:
        return [Fault(0, "This is nested too deeply (at most 32 levels); make two rules of it.")]
    return [Fault(0, f"This is no condition: {message[:200]}")]


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return sum(len(before) + 1 for before in lines[: line - 1]) + column - 1


def _sentence(what: str, vocabulary: Vocabulary) -> str:
    if match := _UNDECLARED.search(what):
        word = match[1]
        known = vocabulary.types if "." in word else (*FUNCTIONS, *vocabulary.types)
        return f"There is no name “{word}”.{did_you_mean(word, known)}"
    if match := _OVERLOAD.search(what):
        sign = match[1].strip("_")
        return f"“{sign}” does not work with {match[2].strip('()').replace(', ', ' and ')}."
    if what.startswith("Syntax error: "):
        return f"This cannot be read: {what[14:].partition(' expecting')[0]}."
    return what.rstrip(".") + "."


def _bad_patterns(tree: Tree) -> list[Fault]:
    return [
        fault
        for node in tree.nodes
        if node.kind == "call" and node.value == "matches"
        if (fault := _bad_pattern(tree, node)) is not None
    ]


def _bad_pattern(tree: Tree, call: Node) -> Fault | None:
    """Say what is wrong with a regular expression: it must stand there as text and be RE2's."""
    pattern = call.parts[-1]
    if pattern.kind != "const" or not isinstance(pattern.value, str):
        return Fault(tree.offset(pattern), "A pattern for matches() must stand in quotes.")
    try:
        re2.compile(pattern.value, _OPTIONS)
    except re2.error as error:
        said = error.args[0]
        reason = said.decode() if isinstance(said, bytes) else str(said)
        return Fault(
            tree.offset(pattern),
            f"This pattern is not one that runs in linear time (RE2): {reason}.",
        )
    return None


def _loops_in_loops(tree: Tree) -> list[Fault]:
    """Find loops that run once for every turn of another one: a few lines could take minutes."""
    return [
        Fault(tree.offset(inner), "A loop stands inside another one here; make two rules of it.")
        for outer in tree.nodes
        if outer.kind == "loop"
        for part in outer.parts[1:]
        for inner in walk(part)
        if inner.kind == "loop"
    ][:1]


def _impossible_words(tree: Tree, vocabulary: Vocabulary) -> list[Fault]:
    """Find comparisons with a word that can never stand there, such as a misspelt age band."""
    faults = []
    for node in tree.nodes:
        if node.kind != "call" or node.value not in _COMPARE or len(node.parts) != 2:
            continue
        for asked, other in (node.parts, node.parts[::-1]):
            name = str(asked.value) if asked.kind == "ident" else ""
            known = vocabulary.words.get(name)
            if known is not None:
                faults += [
                    Fault(tree.offset(one), _impossible(name, str(one.value), known))
                    for one in _strange(other, known)
                ]
    return faults


def _strange(node: Node, known: frozenset[str]) -> list[Node]:
    """Return the text constants of `node` (one, or a list of them) that are not `known`."""
    nodes = node.parts if node.kind == "list" else (node,)
    texts = [one for one in nodes if one.kind == "const" and isinstance(one.value, str)]
    return [one for one in texts if one.value not in known]


def _impossible(name: str, word: str, known: frozenset[str]) -> str:
    near = did_you_mean(word, known)
    if name in LABELS:
        near = near or " Rules give labels in `then`; list others under `labels` in pack.toml."
    if name.startswith("banks.") and name != "banks.harms":
        near = near or " List the bank under `banks` in pack.toml."
    return f"{name} is never “{word}”.{near}"
