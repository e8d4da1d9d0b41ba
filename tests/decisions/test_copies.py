"""Copies of what was removed: one list that is seen before, two people for many, one way back."""

import threading
import time
from typing import Any

import psycopg
import pytest
from decisions_scene import judged, made_by, rules, sent, task_of
from door_scene import enter, hire, named_house
from line_scene import OPERATOR, Scene, event, post

from openhaven import decisions, review
from openhaven.core import Actor, Problem
from openhaven.decisions import copies
from openhaven.decisions.appeals.actions import undo
from openhaven.line import jobs
from openhaven.records.erasure import erase
from openhaven.staff import approvals

WORDS = (
    "Come to the old bridge at nine and bring whatever you can carry, because tonight we show "
    "all of them whose town this is, and nobody of the other side will want to stay, a zorgblat"
)
NEARLY = WORDS.replace("at nine", "at ten")


def removed(here: Scene, who: Actor, words: str = WORDS) -> Any:
    made = made_by(here, judged(here, who, task_of(here, sent(here, words)), "remove"))
    assert made is not None
    with here.haven.db.read() as tx:
        return decisions.decision(tx, made["id"])


def others(here: Scene, *texts: str) -> list[str]:
    """Let as many accounts as there are texts post one each; return the items."""
    bodies = [post(text, account={"id": f"o{at}", "age_band": "18-plus"})
              for at, text in enumerate(texts)]  # fmt: skip
    here.accept(*bodies)
    here.work()
    return [str(body["item"]["id"]) for body in bodies]


def begin(here: Scene, who: Actor, made: Any, items: list[str], upto: int = 25) -> copies.Listed:
    with here.haven.db.begin(who) as tx:
        return copies.begin(tx, made, items, here.haven.voice, alone_upto=upto)


def found(here: Scene, made: Any) -> dict[str, str]:
    with here.haven.db.read() as tx:
        return {one.item: one.how for one in copies.find(tx, made)}


def test_the_same_and_nearly_the_same_are_found_and_dealt_with_as_one(here: Scene) -> None:
    rules(here)
    ana = here.reviewer("ana")
    same, nearly, other = others(here, WORDS, NEARLY, "a zorgblat, and something else entirely")
    private = event(item={"id": "hidden", "type": "message", "text": WORDS},
                    account={"id": "o9", "age_band": "18-plus"}, kind="message.send",
                    conversation={"id": "c1", "visibility": "private"})  # fmt: skip
    here.accept(private)
    here.work()
    made = removed(here, ana)
    assert found(here, made) == {same: "text", nearly: "text"}
    with pytest.raises(Problem, match="on the list"):
        begin(here, ana, made, [same, other])
    one = begin(here, ana, made, [same, nearly])
    here.work()
    assert one.state == "done"
    followed = here.rows("SELECT * FROM decisions WHERE copy_of = %(d)s", d=made.id)
    assert {row["item"] for row in followed} == {same, nearly}
    assert {row["account"] for row in followed} == {"o0", "o1"}
    assert len(here.rows("SELECT 1 AS one FROM strikes")) == 1
    sql = "SELECT count(*) AS n FROM notices WHERE audience = 'account'"
    assert here.rows(sql) == [{"n": 3}]
    assert found(here, made) == {}
    # Overturned, all of it is undone, and everybody is told.
    with here.haven.db.begin(OPERATOR) as tx:
        decisions.appeal(tx, made, "It is a line of a play.")
    [task] = here.rows("SELECT id FROM tasks WHERE kind = 'appeal'")
    judged(here, here.reviewer("eve"), task["id"], "upheld")
    assert here.rows("SELECT DISTINCT state FROM decisions") == [{"state": "overturned"}]
    back = here.rows("SELECT target ->> 'item' AS item FROM acts WHERE verb = 'restore'")
    assert {row["item"] for row in back} == {same, nearly, made.item}
    assert here.rows(sql) == [{"n": 6}]


def test_many_at_once_take_two_people(here: Scene) -> None:
    rules(here)
    ana, ben = here.reviewer("ana"), here.reviewer("ben")
    items = others(here, WORDS, WORDS, WORDS)
    made = removed(here, ana)
    one = begin(here, ana, made, items, upto=2)
    assert one.state == "waits"
    assert here.rows("SELECT 1 AS one FROM decisions WHERE copy_of IS NOT NULL") == []
    with pytest.raises(psycopg.errors.CheckViolation), here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE copy_items SET decision = %(d)s WHERE item = %(i)s", d=made.id, i=items[0])
    with here.haven.db.begin(ben) as tx:
        [asked] = approvals.waiting(tx, "bulk")
        assert asked.where == f"/console/copies/{one.id}"
        approvals.answer(tx, asked.id, True)
        copies.follow(tx, here.haven.voice)
    assert len(here.rows("SELECT 1 AS one FROM decisions WHERE copy_of IS NOT NULL")) == 3


def test_refused_nothing_happens_and_what_was_overturned_spreads_no_more(here: Scene) -> None:
    rules(here)
    ana, ben = here.reviewer("ana"), here.reviewer("ben")
    items = others(here, WORDS, WORDS)
    made = removed(here, ana)
    one = begin(here, ana, made, items, upto=1)
    with here.haven.db.begin(ben) as tx:
        approvals.answer(
            tx, approvals.waiting(tx, "bulk")[0].id, False, "The second is a quotation."
        )
        copies.follow(tx, here.haven.voice)
        assert copies.listed(tx, one.id).state == "refused"
    with here.haven.db.begin(OPERATOR) as tx:
        decisions.appeal(tx, made, "It is a line of a play.")
    [task] = here.rows("SELECT id FROM tasks WHERE kind = 'appeal'")
    judged(here, here.reviewer("eve"), task["id"], "upheld")
    with pytest.raises(Problem, match="what holds"):
        begin(here, ana, made, items)


def test_what_was_agreed_to_is_carried_out_by_the_worker_too(here: Scene) -> None:
    rules(here)
    ana, ben = here.reviewer("ana"), here.reviewer("ben")
    items = others(here, WORDS, WORDS)
    one = begin(here, ana, removed(here, ana), items, upto=1)
    # Somebody else's answer held the list just then, so that whoever agreed passed it over.
    with here.haven.db.begin(ben) as tx:
        approvals.answer(tx, approvals.waiting(tx, "bulk")[0].id, True)
    jobs.return_leases(here.haven)
    with here.haven.db.read() as tx:
        assert copies.listed(tx, one.id).state == "done"


def test_copies_wait_for_who_overturns_the_first(here: Scene) -> None:
    rules(here)
    ana, ben = here.reviewer("ana"), here.reviewer("ben")
    made = removed(here, ana)
    items = others(here, WORDS, WORDS)
    begin(here, ana, made, items, upto=1)
    with here.haven.db.begin(ben) as tx:
        approvals.answer(tx, approvals.waiting(tx, "bulk")[0].id, True)
    done = threading.Event()

    def follow() -> None:
        with here.haven.db.begin(OPERATOR) as tx:
            copies.follow(tx, here.haven.voice)
        done.set()

    with here.haven.db.begin(OPERATOR) as tx:
        undo(tx, made, str(made.judgement))
        other = threading.Thread(target=follow)
        other.start()
        # It is either waiting for us, or (wrongly) through already.
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        end = time.monotonic() + 300
        while not done.is_set() and not tx.value(waiting) and time.monotonic() < end:
            time.sleep(0.01)
    other.join(300)
    assert done.is_set()
    assert here.rows("SELECT 1 AS one FROM decisions WHERE copy_of IS NOT NULL") == []


def test_erasing_somebody_blanks_what_a_second_person_was_asked(here: Scene) -> None:
    rules(here)
    ana = here.reviewer("ana")
    items = others(here, WORDS, WORDS)
    one = begin(here, ana, removed(here, ana), items, upto=1)
    with here.haven.db.begin(OPERATOR) as tx:
        erase(tx, here.platform, "grown")
        assert approvals.waiting(tx, "bulk") == []
    assert here.rows("SELECT reason FROM approvals") == [{"reason": None}]
    assert here.rows("SELECT 1 AS one FROM copy_items") == []
    jobs.return_leases(here.haven)
    with here.haven.db.read() as tx:
        assert copies.listed(tx, one.id).state == "refused"


def test_what_is_in_the_lane_is_asked_of_specialists_alone(here: Scene) -> None:
    rules(here)
    ana = here.reviewer("ana")
    made = removed(here, ana)
    one = begin(here, ana, made, others(here, WORDS, WORDS), upto=1)
    hire(here.haven, "mod", "moderator")
    hire(here.haven, "spec", "specialist")
    with named_house(here.haven) as place:
        mod, spec = (enter(here.haven, place, name) for name in ("mod", "spec"))
        assert one.id.encode() in mod.see("/console/second").body
        with here.haven.db.begin(OPERATOR) as tx:
            review.lane.enter(tx, made.case_id, "reviewer")
            asked = approvals.waiting(tx, "bulk")[0].id
        assert one.id.encode() not in mod.see("/console/second").body
        assert mod.send(f"/console/second/{asked}/agree").status == 403
        assert one.id.encode() in spec.see("/console/second").body
        assert spec.send(f"/console/second/{asked}/agree").status == 303
