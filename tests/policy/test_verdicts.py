"""What a verdict promises: pure, independent of the order of rules, and unknown is never "no"."""

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_scene import event, failed, found, pack_of, rule

from openhaven.policy import STRENGTH, Pack, Verdict
from openhaven.policy.load import load_texts
from openhaven.signals.model import Finding

EARLIER, LATER = "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"
KIND: dict[str, Any] = {"outcome": "review", "harm": "harassment"}
SOME = st.lists(
    st.sampled_from(
        [
            found("bad"),
            found("worse", confidence=0.5),
            found("not-declared"),
            found("tricks", "link", "link:1"),
            found("known", "positive", "media:1", harm="csam.known"),
            found("known", "positive", "media:2", harm="spam"),
            found("spared", "investigate", "media:1"),
            failed(),
            failed("link:1", "other"),
            failed("media:1", "pdq"),
            failed("event", "new-signal"),
        ]
    ),
    max_size=6,
)
CONDITIONS = st.sampled_from(
    [
        "terms.bad",
        "!terms.bad",
        "terms.bad && terms.worse",
        "terms.bad || links.tricks",
        "links.tricks && account.age_days < 3",
        "'known' in banks.positive",
        "size(banks.positive) == 0",
        "'csam.known' in banks.harms && !terms.worse",
        "'spared' in banks.investigate",
        "context.score > 3",
        "'vip' in context && context.vip == true",
        "item.text.matches('zorg|blat')",
        "true",
        "false",
    ]
)
quick = settings(max_examples=150, deadline=None)


@st.composite
def rules(draw: st.DrawFn) -> list[str]:
    """Return a few rules as YAML, with ids of their own."""
    made = []
    for number in range(draw(st.integers(1, 6))):
        when = draw(CONDITIONS)
        outcomes = ["review"] if "investigate" in when else list(STRENGTH)
        outcome = draw(st.sampled_from(outcomes))
        then = {"outcome": outcome, "harm": "spam"} | ({"days": 3} if outcome == "restrict" else {})
        mode = draw(st.sampled_from(["live", "live", "shadow"]))
        unknown = draw(st.sampled_from(["hold", "review", "ignore"]))
        made.append(rule(when, id=f"r{number}", then=then, mode=mode, unknown=unknown))
    return made


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """Return the small pack, whose files others are made of."""
    return pack_of(tmp_path_factory.mktemp("pack"))


def with_rules(base: Pack, made: Iterable[str]) -> Pack:
    return load_texts({**base.files, "rules.yaml": "".join(made)}, kept=True)


def judge(tmp_path: Path, rules_text: str, *findings: Finding, **parts: Any) -> Verdict:
    return pack_of(tmp_path, rules_text).evaluate(event(**parts), findings)


@quick
@given(rules(), SOME, st.randoms())
def test_the_same_inputs_give_the_same_verdict_in_any_order(
    base: Pack, made: list[str], findings: list[Finding], chance: random.Random
) -> None:
    first = with_rules(base, made).evaluate(event(), findings)
    assert with_rules(base, made).evaluate(event(), findings) == first
    chance.shuffle(made)
    chance.shuffle(findings)
    second = with_rules(base, made).evaluate(event(), findings)
    assert {**_plain(second), "pack": ""} == {**_plain(first), "pack": ""}


@quick
@given(rules(), SOME)
def test_the_strongest_rule_wins_and_shadow_never_acts(
    base: Pack, made: list[str], findings: list[Finding]
) -> None:
    pack = with_rules(base, made)
    verdict = pack.evaluate(event(), findings)
    outcomes = [reason.outcome for reason in verdict.reasons]
    assert verdict.outcome == max(outcomes, key=STRENGTH.__getitem__, default="allow")
    assert outcomes == sorted(outcomes, key=STRENGTH.__getitem__, reverse=True)
    modes = {one.id: one.mode for one in pack.rules}
    assert {modes[reason.rule] for reason in verdict.reasons} <= {"live"}
    assert {modes[reason.rule] for reason in verdict.shadow} <= {"shadow"}


@quick
@given(rules(), SOME)
def test_a_rule_that_cannot_be_answered_is_never_a_match_nor_silence(
    base: Pack, made: list[str], findings: list[Finding]
) -> None:
    pack = with_rules(base, made)
    verdict = pack.evaluate(event(), findings)
    by_id = {one.id: one for one in pack.rules}
    spoken = {reason.rule: reason for reason in verdict.reasons}
    for name in verdict.unknown:
        if by_id[name].unknown == "ignore":
            assert name not in spoken
        else:
            assert not spoken[name].matched
            assert spoken[name].outcome == "review"
            assert all(finding.unknown for finding in spoken[name].findings)
            assert spoken[name].findings
            assert verdict.outcome != "allow"


@quick
@given(rules(), st.lists(st.sampled_from([found("bad"), found("worse"), found("tricks", "link")])))
def test_a_failed_signal_changes_only_what_depends_on_it(
    base: Pack, made: list[str], findings: list[Finding]
) -> None:
    pack = with_rules(base, made)
    sound = {r.rule for r in pack.evaluate(event(), findings).reasons if r.matched}
    broken = pack.evaluate(event(), [*findings, failed("media:1", "pdq")])
    touched = {one.rule.id for one in pack.compiled if "banks" in str(one.condition.names)}
    assert {r.rule for r in broken.reasons if r.matched} - touched == sound - touched


def test_what_does_not_depend_on_the_failed_signal_is_answered(tmp_path: Path) -> None:
    when = "target.age_band == '13-15' && terms.bad"
    child = {"account": {"id": "a2", "age_band": "13-15"}}
    assert judge(tmp_path, rule(when), failed()).outcome == "allow"
    verdict = judge(tmp_path, rule(when), failed(), target=child)
    assert verdict.outcome == "review"
    assert verdict.unknown == ("one",)
    assert verdict.reasons[0].findings == (failed(),)


@pytest.mark.parametrize("policy", ["review", "hold"])
def test_unknown_asks_a_person_and_never_blocks(tmp_path: Path, policy: str) -> None:
    then = {"outcome": "block", "harm": "csam.known", "queue": "child-safety"}
    made = rule("'known' in banks.positive", then=then, unknown=policy)
    verdict = judge(tmp_path, made, failed("media:1", "pdq"))
    assert (verdict.outcome, verdict.queue, verdict.severity) == ("review", "child-safety", 4)


def test_unknown_may_be_ignored_and_is_still_counted(tmp_path: Path) -> None:
    verdict = judge(tmp_path, rule("terms.bad", unknown="ignore"), failed())
    assert (verdict.outcome, verdict.reasons, verdict.unknown) == ("allow", (), ("one",))


def test_a_known_picture_is_blocked_though_another_signal_failed(tmp_path: Path) -> None:
    then = {"outcome": "block", "harm": "from-bank"}
    made = rule("'known' in banks.positive", then=then)
    known = found("known", "positive", "media:1", harm="csam.known")
    verdict = judge(tmp_path, made, known, failed("media:1", "pdq"))
    assert (verdict.outcome, verdict.harm, verdict.severity) == ("block", "csam.known", 4)
    assert verdict.reasons[0].findings == (known,)


def test_absence_is_no_evidence_while_a_signal_is_down(tmp_path: Path) -> None:
    made = rule("size(banks.positive) == 0", then={"outcome": "remove", "harm": "spam"})
    assert judge(tmp_path, made).outcome == "remove"
    assert judge(tmp_path, made, failed("media:1", "pdq")).outcome == "review"


def test_an_error_while_asking_is_unknown_and_never_a_match(tmp_path: Path) -> None:
    made = rule("context.score > 3", then={"outcome": "block", "harm": "spam"})
    assert judge(tmp_path, made, context={"score": 4}).outcome == "block"
    for context in ({}, {"score": "high"}, {"score": None}):
        verdict = judge(tmp_path, made, context=context)
        assert (verdict.outcome, verdict.unknown) == ("review", ("one",))
        assert "lacks a value" in str(verdict.reasons[0].findings[0].unknown)


def test_a_number_beyond_64_bits_is_unknown(tmp_path: Path) -> None:
    verdict = judge(tmp_path, rule("context.score > 3"), context={"score": 2**70})
    assert verdict.unknown == ("one",)


def test_every_rule_that_matched_stands_in_the_reasons_with_its_findings(tmp_path: Path) -> None:
    strong = rule("terms.worse", id="z", then={"outcome": "remove", "harm": "spam", "days": 3})
    weak = rule("terms.bad && !terms.worse || terms.bad", id="a", then=KIND)
    verdict = judge(tmp_path, weak + strong, found("bad"), found("worse"), failed("link:0"))
    assert [reason.rule for reason in verdict.reasons] == ["z", "a"]
    assert verdict.reasons[0].findings == (found("worse"),)
    assert verdict.reasons[1].findings == (found("bad"), found("worse"))
    assert (verdict.harm, verdict.days, verdict.help) == ("spam", 3, ("harassment",))


def test_a_shadow_rule_is_recorded_and_is_not_public(tmp_path: Path) -> None:
    made = rule("terms.bad", mode="shadow", then={"outcome": "block", "harm": "spam"})
    verdict = judge(tmp_path, made, found("bad"))
    assert (verdict.outcome, verdict.shadow[0].outcome) == ("allow", "block")
    assert "shadow" not in verdict.public()


def test_a_rule_may_only_offer_help(tmp_path: Path) -> None:
    then = {"outcome": "allow", "harm": "suicide", "help": ["suicide"]}
    verdict = judge(tmp_path, rule("terms.bad", then=then), found("bad"))
    assert (verdict.outcome, verdict.help) == ("allow", ("suicide",))


def test_the_public_form(tmp_path: Path) -> None:
    pack = pack_of(tmp_path)
    public = pack.evaluate(event(), [found("bad")]).public()
    assert list(public) == [
        "event", "outcome", "reasons", "help", "hold", "decision", "task", "pack"
    ]  # fmt: skip
    assert public["pack"] == pack.fingerprint
    assert public["reasons"] == [
        {
            "rule": "one",
            "clause": "kind",
            "findings": [
                {
                    "signal": "terms",
                    "version": "1",
                    "subject": "text",
                    "value": "bad",
                    "harm": "other",
                    "confidence": 1.0,
                }
            ],
        }
    ]
    (reason,) = pack.evaluate(event(), [failed()]).public()["reasons"]
    assert reason["findings"][0]["unknown"] == "it broke"


@pytest.mark.parametrize(
    ("when", "parts", "outcome"),
    [
        ("account.age_days == -1", {}, "review"),
        ("account.age_days == 30", {"account": {"id": "a", "created_at": EARLIER}}, "review"),
        ("account.age_days == 0", {"account": {"id": "a", "created_at": LATER}}, "review"),
        ("target.age_band == 'none' && conversation.visibility == 'none'", {}, "review"),
        ("conversation.encrypted", {"conversation": {"id": "c", "encrypted": True}}, "review"),
        ("report.category == 'none'", {"context": {"category": "spam"}}, "review"),
        ("item.has_media", {"item": {"id": "i", "media": [{"id": "m"}]}}, "review"),
        ("item.text.matches('(?i)HALLO')", {"item": {"id": "i", "text": "hallo"}}, "review"),
        ("context.a == 1 && context.b == 'x' && context.c == true",
         {"context": {"a": 1, "b": "x", "c": True}}, "review"),
        ("item.text == ''", {"item": {"id": "i"}}, "review"),
        ("true", {"kind": "message.send"}, "allow"),
    ],
)  # fmt: skip
def test_what_conditions_see(
    tmp_path: Path, when: str, parts: dict[str, Any], outcome: str
) -> None:
    verdict = judge(tmp_path, rule(when), **parts)
    assert verdict.outcome == outcome
    assert verdict.unknown == ()


def _plain(verdict: Verdict) -> dict[str, Any]:
    return {name: getattr(verdict, name) for name in Verdict.__struct_fields__}
