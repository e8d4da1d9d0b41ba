"""What a person has answered about conduct is not asked again, until there is something new."""

from typing import Any

import msgspec
import pytest
from behaviour_scene import met
from hypothesis import given
from hypothesis import strategies as st
from line_scene import Scene, scene
from policy_scene import rule
from rules_scene import put_in_force

from openhaven.line import Haven
from openhaven.line.answered.model import is_new, signs
from openhaven.policy.model import Reason
from openhaven.signals import Finding
from openhaven.signals.behaviour import OF_PAIRS, SIGNS

GAP = rule("behaviour.many_children && behaviour.age_gap", on=["contact.request"],
           then={"outcome": "review", "harm": "grooming"})  # fmt: skip


@pytest.fixture
def here(haven: Haven) -> Scene:
    return scene(haven)


def asks(here: Scene, first: int, last: int) -> list[dict[str, Any]]:
    """Let one account ask so many children for contact, one after the other."""
    sent = [met("contact.request", "a", f"c{at}", at, ages=("18-plus", "13-15"))
            for at in range(first, last)]  # fmt: skip
    verdicts = []
    for one in sent:
        here.accept({"id": one.id, **_body(one)})
        here.work()
        verdicts.append(here.verdict(one.id))
    return verdicts


def _body(one: Any) -> dict[str, Any]:
    return dict(msgspec.to_builtins(one))


def tasks(here: Scene) -> list[str]:
    found = here.rows("SELECT id FROM tasks WHERE state = 'open' ORDER BY opened_at")
    return [str(one["id"]) for one in found]


def test_the_same_conduct_asks_nobody_twice_and_more_of_it_does(here: Scene) -> None:
    put_in_force(here, GAP)
    me = here.reviewer("one", "moderator")
    assert asks(here, 0, 9)[-1]["outcome"] == "review"
    (task,) = tasks(here)
    here.judge(me, task, "allow")
    here.work()
    again = asks(here, 9, 12)
    assert [one["outcome"] for one in again] == ["allow"] * 3
    assert all(one["reasons"] for one in again), "it still says what its rules said"
    assert tasks(here) == []
    # 14 in a day are half as many again as the nine that were looked at.
    assert asks(here, 12, 14)[-1]["outcome"] == "review"
    (second,) = tasks(here)
    # Once something was done about it, all that follows is new.
    here.judge(me, second, "warn")
    here.work()
    assert asks(here, 14, 15)[-1]["outcome"] == "review"


def test_an_answer_that_was_taken_back_is_none(here: Scene) -> None:
    put_in_force(here, GAP)
    me = here.reviewer("one", "moderator")
    asks(here, 0, 9)
    here.judge(me, tasks(here)[0], "allow")
    here.work()
    with here.haven.db.begin(here.actor) as tx:
        tx.run("UPDATE judgements SET state = 'withdrawn'")
    assert asks(here, 9, 10)[0]["outcome"] == "review"


FOUND = st.dictionaries(st.sampled_from(sorted(SIGNS)), st.floats(0.3, 0.95), min_size=1)


def reason(found: dict[str, float]) -> Reason:
    return Reason("r", "c", tuple(
        Finding(signal="behaviour", version="1", subject="event", value=name, harm="grooming",
                opinion="pattern", confidence=sure) for name, sure in found.items()))  # fmt: skip


@given(FOUND, FOUND, st.sampled_from(["x", "y"]))
def test_new_is_what_no_answer_covers(
    before: dict[str, float], now: dict[str, float], other: str
) -> None:
    answered = signs(reason(before), "x")
    assert not is_new(reason(before), "x", answered), "the same is never asked again"
    weaker = {name: sure * 0.9 for name, sure in before.items()}
    assert not is_new(reason(weaker), "x", answered), "less of the same is not, either"
    told = is_new(reason(now), other, answered)
    if set(now) - set(before):
        assert told, "a kind of sign that nobody has looked at is always asked"
    if set(now) <= OF_PAIRS and other == "y":
        assert told, "another pair is another matter, where all rests on the pair"
    assert is_new(reason(now), other, {})
