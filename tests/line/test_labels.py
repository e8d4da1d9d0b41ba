"""Labels: what a rule notes is read by others, ends by itself, and goes with what it rested on."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from line_scene import OPERATOR, Scene, event, post
from policy_scene import rule
from rules_scene import REMOVE, appeal, put_in_force, say

from openhaven import intake, policy, records
from openhaven.core import utcnow
from openhaven.line import jobs

WATCH = {"outcome": "allow", "harm": "spam", "label": {"name": "watched", "days": 2}}


def labelling(here: Scene) -> policy.Pack:
    return put_in_force(
        here,
        rule("terms.bad", id="note", then=WATCH),
        rule("'watched' in account.labels && links.tricks", id="again", then=REMOVE),
    )


def test_a_rule_labels_an_account_and_another_rule_reads_it(here: Scene) -> None:
    labelling(here)
    assert say(here, "look: trick.example")[0]["outcome"] == "allow"
    assert say(here, "a zorgblat")[0]["outcome"] == "allow"
    assert say(here, "look: trick.example")[0]["outcome"] == "remove"
    assert say(here, "look: trick.example", account={"id": "a2"})[0]["outcome"] == "allow"
    given = here.rows("SELECT ids FROM ledger_entries WHERE kind = 'label.given'")
    assert [one["ids"]["name"] for one in given] == ["watched"]


def test_a_later_event_of_one_batch_sees_the_label_of_an_earlier_one(here: Scene) -> None:
    labelling(here)
    verdicts = say(here, "look: trick.example", "a zorgblat", "look: trick.example")
    assert [one["outcome"] for one in verdicts] == ["allow", "allow", "remove"]


def test_a_label_ends_by_itself_and_is_then_forgotten(here: Scene) -> None:
    labelling(here)
    say(here, "a zorgblat")
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE labels SET until = now() - interval '1 second'")
    assert say(here, "look: trick.example")[0]["outcome"] == "allow"
    records.retain(here.haven.db, here.haven.blobs, here.haven.settings.retention)
    assert here.rows("SELECT 1 FROM labels") == []


def test_a_label_given_often_is_written_seldom(here: Scene) -> None:
    labelling(here)
    say(here, *["a zorgblat"] * 20)
    say(here, *["a zorgblat"] * 20)
    assert len(here.rows("SELECT 1 FROM ledger_entries WHERE kind = 'label.given'")) == 1
    later = utcnow() + timedelta(hours=2)
    here.accept(post("a zorgblat"))
    with here.haven.db.begin(OPERATOR, later) as tx:
        jobs.walk(here.haven, tx, intake.claim(tx, 1))
    rows = here.rows("SELECT until, given_at FROM labels")
    assert len(rows) == 1
    assert rows[0]["until"] == later + timedelta(days=2)
    assert rows[0]["given_at"] < later


def test_a_label_on_an_item_stays_with_the_item(here: Scene) -> None:
    on_item = {**WATCH, "label": {"name": "odd", "days": 1, "on": "item"}}
    put_in_force(
        here,
        rule("terms.bad", id="note", then=on_item),
        rule("'odd' in item.labels", id="again", on=["post.edit"], then=REMOVE),
    )
    first = post("a zorgblat")
    here.accept(first)
    here.work()
    for item, outcome in ((first["item"]["id"], "remove"), ("other", "allow")):
        edit = event(kind="post.edit", item={"id": item, "text": "good day"})
        here.accept(edit)
        here.work()
        assert here.verdict(edit["id"])["outcome"] == outcome


def test_what_a_person_finds_harmless_leaves_no_label(here: Scene) -> None:
    review = {**WATCH, "outcome": "review"}
    put_in_force(here, rule("terms.bad", id="note", then=review))
    verdict = say(here, "a zorgblat")[0]
    assert len(here.rows("SELECT 1 FROM labels")) == 1
    here.judge(here.reviewer("one"), verdict["task"], "allow")
    here.work()
    assert here.rows("SELECT 1 FROM labels") == []
    assert here.rows("SELECT 1 FROM ledger_entries WHERE kind = 'label.removed'") != []


def test_a_decision_that_is_overturned_leaves_no_label(here: Scene) -> None:
    put_in_force(here, rule("terms.bad", id="note", then={**WATCH, "outcome": "remove"}))
    made = say(here, "a zorgblat")[0]["decision"]
    task = appeal(here, made)
    here.judge(here.reviewer("two"), task, "upheld")
    here.work()
    assert here.rows("SELECT 1 FROM labels") == []


def test_who_is_erased_has_no_labels_any_more(here: Scene) -> None:
    labelling(here)
    say(here, "a zorgblat")
    say(here, "a zorgblat", account={"id": "a2"})
    with here.haven.db.begin(OPERATOR) as tx:
        records.erase(tx, here.platform, "a1")
    assert here.rows("SELECT account FROM labels") == [{"account": "a2"}]


def test_staff_sees_the_labels_on_a_matter(here: Scene) -> None:
    labelling(here)
    say(here, "a zorgblat")
    with here.haven.db.read() as tx:
        lines = intake.labels_about(tx, here.platform, "a1", None)
        assert [(one.name, one.rule, one.item) for one in lines] == [("watched", "note", "")]
        assert intake.labels_about(tx, here.platform, "a2", "i1") == []


def beside(here: Scene, work: Callable[[], object]) -> threading.Thread:
    """Start work that waits for a lock which this test holds, and return when it waits."""
    thread = threading.Thread(target=work)
    thread.start()
    waiting = """SELECT 1 FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    end = time.monotonic() + 300
    while not here.rows(waiting):
        assert time.monotonic() < end, "it does not wait"
        time.sleep(0.02)
    return thread


def test_who_is_erased_while_a_label_is_given_has_none_either(here: Scene) -> None:
    labelling(here)
    here.accept(post("a zorgblat"))

    def erase() -> None:
        with here.haven.db.begin(OPERATOR) as tx:
            records.erase(tx, here.platform, "a1")

    with here.haven.db.begin(OPERATOR) as tx:
        jobs.walk(here.haven, tx, intake.claim(tx, 1))
        erasing = beside(here, erase)
    erasing.join()
    assert here.rows("SELECT 1 FROM labels") == []


def test_who_judges_waits_for_labels_before_taking_the_case(here: Scene) -> None:
    """As judging events does: in another order the two would wait for each other."""
    put_in_force(here, rule("terms.bad", id="note", then={**WATCH, "outcome": "review"}))
    task = say(here, "a zorgblat")[0]["task"]
    here.judge(here.reviewer("one"), task, "allow")
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("SELECT 1 FROM labels FOR UPDATE")
        settling = beside(here, lambda: jobs.settle_judgements(here.haven))
        assert tx.rows("SELECT 1 FROM cases FOR UPDATE NOWAIT") != []
    settling.join()
    assert here.rows("SELECT 1 FROM labels") == []
