"""No sign acts alone: not by itself, not by “or”, and not together beyond a review."""

from pathlib import Path

import pytest
from behaviour_scene import met
from policy_scene import errors_of, pack_of, rule

from openhaven.policy.within import outcome_within
from openhaven.signals import behaviour
from openhaven.signals.model import Finding

ON = ["message.send", "contact.request"]
ALONE = [
    "behaviour.age_gap",
    "behaviour.age_gap || behaviour.new_account",
    'behaviour.age_gap && target.age_band == "13-15"',
    'behaviour.age_gap && conversation.visibility == "private" && account.age_band != "13-15"',
    "behaviour.age_gap || behaviour.new_account && behaviour.few_answers",
    "!behaviour.age_gap || behaviour.new_account",
]
TOGETHER = [
    "behaviour.age_gap && behaviour.new_account",
    "(behaviour.age_gap || behaviour.turned_away) && behaviour.few_answers",
    "behaviour.age_gap && terms.bad",
    "behaviour.age_gap && account.age_days >= 0 && account.age_days < 3",
    '"csam.known" in banks.harms || behaviour.age_gap && behaviour.turned_away',
]


@pytest.mark.parametrize("when", ALONE)
def test_a_live_rule_that_one_sign_satisfies_is_refused(tmp_path: Path, when: str) -> None:
    (error,) = errors_of(tmp_path, rules_yaml=rule(when, on=ON))
    assert "one sign of behaviour" in error.message
    assert (error.file, error.line) == ("rules.yaml", 5)


@pytest.mark.parametrize("when", ALONE[:5])
def test_in_shadow_it_may_look_on(tmp_path: Path, when: str) -> None:
    assert pack_of(tmp_path, rule(when, on=ON, mode="shadow")).reads_behaviour


@pytest.mark.parametrize("when", TOGETHER)
def test_with_something_else_it_loads(tmp_path: Path, when: str) -> None:
    assert pack_of(tmp_path, rule(when, on=ON)).reads_behaviour


def test_signs_together_never_lead_beyond_a_review(tmp_path: Path) -> None:
    signs = " && ".join(f"behaviour.{name}" for name in behaviour.SIGNS)
    pack = pack_of(tmp_path, rule(signs, on=ON, then={"outcome": "remove", "harm": "grooming"}))
    found = [
        Finding(signal="behaviour", version="1", subject="event", value=name, harm="grooming",
                opinion="pattern", confidence=0.9, detail={"why": "…"})
        for name in behaviour.SIGNS
    ]  # fmt: skip
    verdict = pack.evaluate(met("comment.create", "a", "b", ages=("18-plus", "18-plus")), found)
    assert verdict.outcome == "allow", "the rule does not look at comments"
    verdict = pack.evaluate(met("message.send", "a", "b", ages=("18-plus", "18-plus")), found)
    assert verdict.outcome == "remove"
    assert outcome_within(verdict) == "review"


def test_what_was_not_counted_leaves_the_rule_unanswered(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, rule("behaviour.age_gap && behaviour.few_answers", on=ON))
    verdict = pack.evaluate(met("message.send", "a", "c"), ())
    assert verdict.outcome == "review"
    assert verdict.unknown == ("one",)
    assert verdict.reasons[0].findings[0].unknown == "nothing was counted for it"


def test_a_pack_without_signs_counts_nothing_for_them(tmp_path: Path) -> None:
    assert pack_of(tmp_path).counters == ()
    (tmp_path / "other").mkdir()
    with_signs = pack_of(tmp_path / "other", rule(TOGETHER[0], on=["message.send"]))
    assert {one.name for one in with_signs.counters} == {one.name for one in behaviour.COUNTERS}
    assert {kind for one in with_signs.counters for kind in one.asked} == {"message.send"}
