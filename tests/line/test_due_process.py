"""What people can count on: time to appeal, somebody else who looks, and wrongs that end."""

from datetime import UTC, datetime, timedelta

import pytest
from line_receiver import Receiver
from line_scene import OPERATOR, Scene, event, post

from openhaven import decisions, intake, records, review
from openhaven.core import Problem, utcnow
from openhaven.decisions.model import APPEAL_WINDOW
from openhaven.intake import Report, ReportSubject


def decided(here: Scene, outcome: str = "remove", **values: object) -> str:
    """Let a reviewer decide about a fresh post; return the decision's id."""
    body = post("Here comes a flumquist")
    here.accept(body)
    here.work()
    here.judge(here.reviewer("one"), here.verdict(body["id"])["task"], outcome, **values)
    here.work()
    return str(here.rows("SELECT id FROM decisions")[0]["id"])


def appealed(here: Scene, made: str, when: datetime | None = None) -> str:
    """Appeal against a decision; return the id of the task."""
    with here.haven.db.begin(OPERATOR, when) as tx:
        decisions.appeal(tx, decisions.decision(tx, made), "I think that you misread it.")
    return str(here.rows("SELECT id FROM tasks WHERE kind = 'appeal'")[0]["id"])


def end(here: Scene) -> None:
    """Let the time of every decision come."""
    with here.haven.db.begin(OPERATOR, utcnow() + timedelta(days=4)) as tx:
        assert decisions.cancel_expired(tx) == 1
        tx.run("UPDATE acts SET next_at = now() - interval '1 second'")
    here.work()


def test_six_months_are_six_months_whichever_they_are() -> None:
    for year in (2026, 2028):
        for month in range(1, 13):
            begin = datetime(year, month, 1, tzinfo=UTC)
            later = datetime(year + (month > 6), (month + 5) % 12 + 1, 1, tzinfo=UTC)
            assert begin + APPEAL_WINDOW >= later


def test_a_decision_that_has_ended_can_be_appealed_and_then_counts_no_more(
    here: Scene, receiver: Receiver
) -> None:
    made = decided(here, "restrict", days=3)
    end(here)
    task = appealed(here, made, utcnow() + timedelta(days=30))
    here.judge(here.reviewer("two"), task, "upheld")
    here.work()
    assert here.rows("SELECT state FROM decisions") == [{"state": "overturned"}]
    assert [act["verb"] for act in receiver.acts].count("unrestrict") == 1


def test_a_decision_that_ends_while_it_is_appealed_is_overturned(
    here: Scene, receiver: Receiver
) -> None:
    task = appealed(here, decided(here, "restrict", days=3))
    end(here)
    here.judge(here.reviewer("two"), task, "upheld")
    here.work()
    assert here.rows("SELECT state FROM decisions") == [{"state": "overturned"}]
    assert [act["verb"] for act in receiver.acts].count("unrestrict") == 1


def test_what_was_overturned_is_not_tried_again(here: Scene, receiver: Receiver) -> None:
    receiver.answer = lambda act: 503 if act["verb"] == "remove" else 204
    task = appealed(here, decided(here))
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE acts SET attempts = 12 WHERE verb = 'remove'")
        tx.run("UPDATE acts SET next_at = now() - interval '1 second' WHERE verb = 'remove'")
    here.work()
    failed = here.rows("SELECT id FROM acts WHERE state = 'failed'")[0]["id"]
    here.judge(here.reviewer("two"), task, "upheld")
    here.work()
    assert receiver.acts[-2]["verb"] == "restore" or receiver.acts[-1]["verb"] == "restore"
    assert here.rows("SELECT 1 AS one FROM acts WHERE state = 'failed'") == []
    with pytest.raises(Problem, match="cannot be tried"), here.haven.db.begin(OPERATOR) as tx:
        decisions.replay_act(tx, failed)
    with here.haven.db.begin(OPERATOR) as tx:
        # As it is when the last try was under way while the appeal was decided.
        tx.run("UPDATE acts SET state = 'failed' WHERE id = %(id)s", id=failed)
    with pytest.raises(Problem, match="cannot be tried"), here.haven.db.begin(OPERATOR) as tx:
        decisions.replay_act(tx, failed)


def test_an_act_that_may_have_arrived_before_it_was_replayed_is_taken_back(
    here: Scene, receiver: Receiver
) -> None:
    receiver.answer = lambda act: 503 if act["verb"] == "remove" else 204
    task = appealed(here, decided(here))
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE acts SET state = 'failed', ended_at = now() WHERE verb = 'remove'")
        act = tx.value("SELECT id FROM acts WHERE verb = 'remove'")
        decisions.replay_act(tx, act)
    here.judge(here.reviewer("two"), task, "upheld")
    receiver.answer = lambda act: 204
    here.work()
    here.work()
    assert [act["reverses"] for act in receiver.acts if act["verb"] == "restore"] == [act]


def test_nothing_is_taken_back_from_who_was_erased(here: Scene, receiver: Receiver) -> None:
    decided(here, "restrict", days=3)
    with here.haven.db.begin(OPERATOR) as tx:
        records.erase(tx, here.platform, "a1")
    end(here)
    assert all(act["subject"] for act in receiver.acts)


def test_who_judged_the_matter_in_the_meantime_cannot_hear_the_appeal(here: Scene) -> None:
    item = {"id": "i1", "type": "post", "text": "flumquist"}
    here.accept(event(item=item))
    here.work()
    first = here.rows("SELECT id FROM tasks")[0]["id"]
    here.accept(event(kind="post.edit", item=item | {"text": "zorgblat"}))
    here.work()
    task = appealed(here, here.rows("SELECT id FROM decisions")[0]["id"])
    one, two = here.reviewer("one"), here.reviewer("two")
    with here.haven.db.begin(one) as tx:
        review.claim(tx, task)
    here.judge(one, first, "remove")
    assert here.rows("SELECT state, barred FROM tasks WHERE id = %(t)s", t=task) == [
        {"state": "open", "barred": [one.id]}
    ]
    with pytest.raises(Problem, match="acted on this case"), here.haven.db.begin(one) as tx:
        review.claim(tx, task)
    here.judge(two, task, "rejected")


def reported(here: Scene, **subject: str) -> None:
    report = Report(subject=ReportSubject(**subject), category="spam")
    with here.haven.db.begin(here.actor) as tx:
        intake.accept_report(tx, here.platform, report)
    here.work()


def test_a_report_cannot_lay_an_item_at_somebody_else_s_door(here: Scene) -> None:
    reported(here, item="i9", account="victim")
    item = {"id": "i9", "type": "post", "text": "flumquist"}
    here.accept(event(account={"id": "author"}, item=item))
    here.work()
    reported(here, item="i9", account="victim")
    task = here.rows("SELECT id, reports FROM tasks")[0]
    assert task["reports"] == 2
    here.judge(here.reviewer("one"), task["id"], "suspend")
    here.work()
    made = here.rows("SELECT * FROM decisions")[0]
    assert (made["account"], made["content_type"]) == ("author", ["TEXT"])
    assert made["automated_detection"]
    assert {row["target"]["account"] for row in here.rows("SELECT target FROM acts")} == {"author"}


def test_whose_an_item_is_stays_although_somebody_else_writes_about_it(here: Scene) -> None:
    item = {"id": "i9", "type": "post", "text": "flumquist"}
    here.accept(event(account={"id": "author"}, item=item))
    here.work()
    here.accept(event(account={"id": "other"}, item=item, kind="post.edit"))
    here.work()
    assert here.rows("SELECT account FROM cases") == [{"account": "author"}]


def test_a_report_that_comes_as_an_event_is_a_report(here: Scene) -> None:
    body = event()
    here.accept(body)
    here.work()
    about = {"item": {"id": body["item"]["id"]}}
    here.accept(event(kind="report.create", account={"id": "r1"}, item=None, target=about,
                      context={"category": "spam"}))  # fmt: skip
    here.work()
    here.judge(here.reviewer("one"), here.rows("SELECT id FROM tasks")[0]["id"], "remove")
    here.work()
    assert here.rows("SELECT source, account FROM decisions") == [
        {"source": "report", "account": "a1"}
    ]


def test_a_signal_that_could_not_tell_has_detected_nothing(here: Scene) -> None:
    body = post("Here comes a flumquist")
    here.accept(body)
    here.work()
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("""UPDATE events SET verdict =
                    jsonb_set(verdict, '{reasons,0,findings,0,unknown}', '"it failed"')""")
    here.judge(here.reviewer("one"), here.verdict(body["id"])["task"], "remove")
    here.work()
    assert here.rows("SELECT automated_detection FROM decisions") == [
        {"automated_detection": False}
    ]


@pytest.mark.parametrize(
    ("category", "clause", "harm"),
    [
        ("csam.known", "no-harassment", "harassment"),
        ("csam.known", "no-threats", "violence.threat"),
        ("bullying", "no-harassment", "bullying"),
        ("doxxing", "reports", "doxxing"),
    ],
)
def test_the_word_that_a_reporter_chose_is_not_what_somebody_did(
    here: Scene, category: str, clause: str, harm: str
) -> None:
    body = post("A rude word, and no more than that.")
    here.accept(body)
    here.work()
    report = Report(subject=ReportSubject(item=body["item"]["id"]), category=category)
    with here.haven.db.begin(here.actor) as tx:
        intake.accept_report(tx, here.platform, report)
    here.work()
    task = here.rows("SELECT id FROM tasks")[0]["id"]
    here.judge(here.reviewer("one"), task, "remove", clause=clause)
    here.work()
    assert here.rows("SELECT harm FROM decisions") == [{"harm": harm}]
