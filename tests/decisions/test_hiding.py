"""Hiding something before anybody decides: once alone, and again only with a second person."""

from datetime import timedelta

import pytest
from decisions_scene import GROWN, pass_time, rules, sent, task_of
from line_scene import Scene, event

from openhaven import decisions, review
from openhaven.core import Actor, Problem
from openhaven.decisions import Decision
from openhaven.decisions.interim import hide
from openhaven.decisions.interim.store import held_by
from openhaven.policy import clause_as_it_stood
from openhaven.review import lane
from openhaven.staff import approvals

A_DAY = timedelta(days=1)


def hides(here: Scene, who: Actor, task: str) -> Decision | None:
    pack = here.haven.packs.current.fingerprint
    with here.haven.db.begin(who) as tx:
        review.claim(tx, task)
        about = held_by(tx, task, who.id)
        assert about is not None
        clause = clause_as_it_stood(tx, pack, "kind")
        return hide(tx, about, clause, pack, "It may hurt.", A_DAY, who.id, here.haven.voice)


def ended(here: Scene, made: Decision) -> None:
    """Let the time of what hides it come."""
    pass_time(here, 2)
    with here.haven.db.read() as tx:
        assert decisions.decision(tx, made.id).state == "expired"


def test_nothing_is_hidden_again_and_again_by_one_person(here: Scene) -> None:
    rules(here)
    ana, ben = here.reviewer("ana"), here.reviewer("ben")
    task = task_of(here, sent(here))
    first = hides(here, ana, task)
    assert first is not None
    with pytest.raises(Problem, match="hidden already"):
        hides(here, ana, task)
    ended(here, first)
    assert hides(here, ana, task) is None
    with pytest.raises(Problem, match="asked already"):
        hides(here, ana, task)
    with here.haven.db.begin(ben) as tx:
        [asked] = approvals.waiting(tx, "interim-again")
        assert asked.reason == "It may hurt."
        approvals.answer(tx, asked.id, True)
    second = hides(here, ana, task)
    assert second is not None
    ended(here, second)
    # Each time anew; and who says no is heard.
    assert hides(here, ana, task) is None
    with here.haven.db.begin(ben) as tx:
        [asked] = approvals.waiting(tx, "interim-again")
        approvals.answer(tx, asked.id, False, "Decide now.")
    with pytest.raises(Problem, match="did not agree"):
        hides(here, ana, task)
    held = here.rows("SELECT 1 AS one FROM decisions WHERE decided_by LIKE 'held:staff:%%'")
    assert len(held) == 2


def test_who_hid_it_does_not_hear_the_appeal(here: Scene) -> None:
    rules(here)
    ana, ben = here.reviewer("ana"), here.reviewer("ben")
    task = task_of(here, sent(here))
    first = hides(here, ana, task)
    assert first is not None
    ended(here, first)
    assert hides(here, ana, task) is None
    with here.haven.db.begin(ben) as tx:
        approvals.answer(tx, approvals.waiting(tx, "interim-again")[0].id, True)
    second = hides(here, ana, task)
    assert second is not None
    with here.haven.db.begin(ben) as tx:
        decisions.appeal(tx, second, "It hurts nobody.")
    (asked,) = here.rows("SELECT barred FROM tasks WHERE kind = 'appeal'")
    assert set(asked["barred"]) == {ana.id, ben.id}


def test_what_is_asked_about_a_case_of_the_lane_is_for_specialists(here: Scene) -> None:
    rules(here)
    ana = here.reviewer("ana")
    task = task_of(here, sent(here))
    first = hides(here, ana, task)
    assert first is not None
    ended(here, first)
    assert hides(here, ana, task) is None
    with here.haven.db.begin(ana) as tx:
        [asked] = approvals.waiting(tx, "interim-again")
        assert asked.where == f"/console/decisions/{first.id}"
        assert not lane.is_closed(tx, [asked.id])
        lane.enter(tx, decisions.decision(tx, first.id).case_id, "reviewer")
        assert lane.is_closed(tx, [asked.id])


def test_a_new_case_about_the_same_changes_nothing(here: Scene) -> None:
    rules(here)
    ana = here.reviewer("ana")
    body = sent(here)
    first = hides(here, ana, task_of(here, body))
    assert first is not None
    here.judge(ana, task_of(here, body), "allow", clause="kind")
    here.work()
    again = event(account=GROWN, item=body["item"])
    here.accept(again)
    here.work()
    assert task_of(here, again) != task_of(here, body)
    assert hides(here, ana, task_of(here, again)) is None
