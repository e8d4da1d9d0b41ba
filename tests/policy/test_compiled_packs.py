"""Whole verdicts are the same whether rules are generated code or run in the CEL library."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_scene import RULE, event, failed, found, pack_of, rule, write

from openhaven.policy import Pack
from openhaven.policy.asking import Asking
from openhaven.policy.commands import pack as commands
from openhaven.policy.facts import gather
from openhaven.policy.load import load_texts
from openhaven.signals.model import Finding

ATOMS = [
    "terms.bad", "terms.worse", "links.tricks", "'known' in banks.positive",
    "size(banks.harms) == 0", "banks.harms.exists(h, h == item.type)", "size(signals.unknown) > 0",
    "banks.positive.all(b, b == 'known' && !terms.bad)", "account.age_days < 3",
    "account.country == 'DE'", "account.country in ['DE', 'FR']", "item.text.contains('zorg')",
    "item.text.matches('zorg|blat')", "item.text.matches('(?i)\\\\bZORG')", "context.score > 3",
    "context.score == 1", "context.kind == 'x'", "has(context.score)", "context.score + 1 > 2",
    "target.age_band == '13-15'", "string(account.age_days) == '1'", "true", "false",
]  # fmt: skip
CONDITIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, st.sampled_from(["&&", "||", "=="]), inner).map(
            lambda three: f"({three[0]}) {three[1]} ({three[2]})"
        ),
        st.tuples(inner, inner, inner).map(lambda three: "({}) ? ({}) : ({})".format(*three)),
    ),
    max_leaves=5,
)
EVENTS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["post.create", "message.send"])},
    optional={
        "item": st.fixed_dictionaries(
            {"id": st.just("i1"), "text": st.sampled_from(["", "zorg", "a Zorg b", "\0zorg"])},
            optional={"type": st.sampled_from(["csam.known", "post"])},
        ),
        "account": st.fixed_dictionaries(
            {"id": st.just("a1")},
            optional={"created_at": st.just("2026-01-30T00:00:00Z"), "country": st.just("DE")},
        ),
        "target": st.just({"account": {"id": "a2", "age_band": "13-15"}}),
        "context": st.fixed_dictionaries(
            {},
            optional={
                "score": st.sampled_from([1, 9, 1.0, 2**63 - 1, 2**64, "many", None, True]),
                "kind": st.sampled_from(["x", "y", 3]),
            },
        ),
    },
)
FINDINGS = st.lists(
    st.sampled_from(
        [
            found("bad"),
            found("worse"),
            found("tricks", "link", "link:1"),
            found("known", "positive", "media:1", harm="csam.known"),
            found("spared", "investigate", "media:1"),
            failed(),
            failed("link:1", "other"),
            failed("media:1", "pdq"),
            failed("event", "new-signal"),
        ]
    ),
    max_size=5,
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return pack_of(tmp_path_factory.mktemp("pack"))


def in_library(pack: Pack, parts: dict[str, Any], findings: list[Finding]) -> Any:
    """Return the verdict when the library answers every rule, those without findings too."""
    judged = event(**parts)
    asking = Asking(gather(judged, findings, pack.vocabulary), pack.vocabulary.env, pack._plans)
    asking.generated = False
    return pack._verdict(judged, asking.ask(pack._plans.of(judged.kind, prompted=True)), {})


@settings(max_examples=100, deadline=None)
@given(st.lists(CONDITIONS, min_size=1, max_size=8), st.lists(EVENTS, min_size=1), FINDINGS)
def test_a_verdict_is_what_the_library_says(
    base: Pack, conditions: list[str], events: list[dict[str, Any]], findings: list[Finding]
) -> None:
    kinds = [["post.create"], ["message.send", "post.create"], ["post.create", "message.send"]]
    modes = ["live", "shadow", "live"]
    made = [
        rule(when, id=f"r{at}", on=kinds[at % 3], mode=modes[at % 3 - 1],
             unknown=["hold", "review", "ignore"][at % 3])
        for at, when in enumerate(conditions)
    ]  # fmt: skip
    pack = load_texts({**base.files, "rules.yaml": "".join(made)}, kept=True)
    for parts in events:
        assert pack.evaluate(event(**parts), findings) == in_library(pack, parts, findings)
        assert pack.evaluate(event(**parts), []) == in_library(pack, parts, [])


@settings(max_examples=100, deadline=None)
@given(st.lists(CONDITIONS, min_size=1, max_size=4), EVENTS, FINDINGS)
def test_findings_that_are_not_needed_change_nothing(
    base: Pack, conditions: list[str], parts: dict[str, Any], findings: list[Finding]
) -> None:
    made = [rule(when, id=f"r{at}", on=["post.create"]) for at, when in enumerate(conditions)]
    pack = load_texts({**base.files, "rules.yaml": "".join(made)}, kept=True)
    needed = pack.needs(event(**parts))
    heads = {"term": "terms", "link": "links", "positive": "banks", "investigate": "banks"}
    kept = [one for one in findings if needed if one.unknown or heads[one.opinion] in needed]
    assert pack.evaluate(event(**parts), findings) == pack.evaluate(event(**parts), kept)


def test_what_the_event_says_decides_which_findings_are_needed(tmp_path: Path) -> None:
    made = [
        rule("target.age_band == '13-15' && terms.bad", id="child"),
        rule("item.has_media && 'known' in banks.positive", id="media"),
        rule("size(signals.unknown) > 0", id="failed", on=["message.send"]),
    ]
    pack = pack_of(tmp_path, "".join(made))
    child = {"account": {"id": "a2", "age_band": "13-15"}}
    assert pack.needs(event()) == frozenset()
    assert pack.needs(event(target=child)) == {"terms"}
    assert pack.needs(event(item={"id": "i", "media": [{"id": "m"}]})) == {"banks"}
    assert pack.needs(event("message.send")) == {"terms", "links", "banks"}
    assert pack.needs(event("report.create")) == frozenset()


def test_text_after_a_zero_character_is_seen(tmp_path: Path) -> None:
    made = [
        rule("item.text.contains('zorg')", id="text"),
        rule("context.note == 'a\ufffdzorg'", id="note"),
        rule("string(item.text).endsWith('zorg')", id="in-library"),
    ]
    pack = pack_of(tmp_path, "".join(made))
    item = {"id": "i", "text": "a\0zorg"}
    verdict = pack.evaluate(event(item=item, context={"note": "a\0zorg"}), [])
    assert [one.rule for one in verdict.reasons] == ["in-library", "note", "text"]
    assert verdict.unknown == ()


def test_rules_that_share_what_they_ask_first_are_answered_one_by_one(tmp_path: Path) -> None:
    both = "account.country == 'DE' && account.age_days == -1"
    made = [rule(f"{both} && context.score > {at}", id=f"r{at}") for at in range(5)] + [
        rule("account.country == 'DE'", id="all"),
        rule(f"{both} && item.type == 'x'", id="not"),
    ]
    pack = pack_of(tmp_path, "".join(made))
    account = {"id": "a", "country": "DE"}
    verdict = pack.evaluate(event(account=account, context={"score": 2}), [])
    assert [one.rule for one in verdict.reasons] == ["all", "r0", "r1"]
    assert pack.evaluate(event(account={"id": "a"}), []).outcome == "allow"
    unknown = pack.evaluate(event(account=account), []).unknown
    assert unknown == ("r0", "r1", "r2", "r3", "r4")


def test_a_pack_says_which_rules_run_in_the_library(tmp_path: Path) -> None:
    slow = rule("string(account.age_days) == '3'", id="slow")
    pack = pack_of(tmp_path, RULE + slow)
    assert pack.in_library == {"slow": "the function string"}
    write(tmp_path, {"rules.yaml": RULE + slow})
    shown = CliRunner().invoke(commands, ["show", str(tmp_path)])
    assert shown.exit_code == 0
    assert shown.output.count("runs in the CEL library") == 1
    assert "the function string" in shown.output


def test_hundreds_of_words_in_a_long_text_are_sought_in_one_pass(tmp_path: Path) -> None:
    made = [
        rule(f"item.text.matches('wora{at}b|worc{at}d|w{at}')", id=f"r{at}") for at in range(300)
    ]
    pack = pack_of(tmp_path, "".join(made))
    text = "so many words " * 7_000 + "worc17d wora299b w5"
    verdict = pack.evaluate(event(item={"id": "i", "text": text}), [])
    assert {one.rule for one in verdict.reasons} == {"r17", "r299", "r5"}
