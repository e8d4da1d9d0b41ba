"""What people can count on: time to appeal, somebody else who looks, and wrongs that end."""

from datetime import UTC, datetime, timedelta
from typing import Any

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
    here.judge(here.reviewer("one", "moderator", "specialist"), task, "remove", clause=clause)
    here.work()
    assert here.rows("SELECT harm FROM decisions") == [{"harm": harm}]


# A person disagrees with a rule -----------------------------------------------------------------


def removed(here: Scene) -> dict[str, Any]:
    """Let the rule alone remove a post; return its verdict with the item's id."""
    body = post("Here comes a zorgblat")
    here.accept(body)
    here.work()
    return here.verdict(body["id"]) | {"item": body["item"]["id"]}


def found_in_order(here: Scene, item: str, outcome: str = "allow") -> str:
    """Let somebody report an item and a reviewer look at it; return the judgement's id."""
    with here.haven.db.begin(here.actor) as tx:
        report = Report(subject=ReportSubject(item=item), category="spam")
        intake.accept_report(tx, here.platform, report)
    here.work()
    task = here.rows("SELECT id FROM tasks WHERE kind = 'review' AND state = 'open'")[0]["id"]
    number = here.rows("SELECT count(*) AS n FROM staff")[0]["n"]
    given = here.judge(here.reviewer(f"looks-{number}"), task, outcome)
    here.work()
    return given


def state_of(here: Scene, made: str) -> dict[str, Any]:
    return here.rows("SELECT state, overturned_by FROM decisions WHERE id = %(d)s", d=made)[0]


def reversals(here: Scene, receiver: Receiver, made: str) -> list[str]:
    return [
        act["verb"] for act in receiver.acts if act["decision"] == made and act["reverses"]
    ]  # fmt: skip


def kinds(here: Scene, made: str) -> list[str]:
    sql = "SELECT kind FROM notices WHERE decision = %(d)s ORDER BY created_at, id"
    return [row["kind"] for row in here.rows(sql, d=made)]


def test_what_a_person_finds_in_order_is_given_back_once(here: Scene, receiver: Receiver) -> None:
    verdict = removed(here)
    made = verdict["decision"]
    cases = here.rows("SELECT state FROM cases")
    assert cases == [{"state": "closed"}], "it stands in an earlier case"
    given = found_in_order(here, verdict["item"])
    assert state_of(here, made) == {"state": "overturned", "overturned_by": given}
    assert reversals(here, receiver, made) == ["restore"]
    assert kinds(here, made) == ["decision", "taken_back"]
    entries = "SELECT kind FROM ledger_entries WHERE ids ->> 'decision' = %(d)s"
    told = [row["kind"] for row in here.rows(entries, d=made)]
    assert (told.count("decision.overturned"), told.count("act.intended.restore")) == (1, 1)
    with here.haven.db.read() as tx:
        assert decisions.counting(tx, here.platform, "a1") == 0
    found_in_order(here, verdict["item"])
    assert reversals(here, receiver, made) == ["restore"]
    assert kinds(here, made) == ["decision", "taken_back"]


@pytest.mark.parametrize("outcome", ["warn", "restrict"])
def test_only_no_action_takes_a_rule_s_decision_back(here: Scene, outcome: str) -> None:
    verdict = removed(here)
    found_in_order(here, verdict["item"], outcome)
    assert state_of(here, verdict["decision"])["state"] == "in_force"


def test_what_a_person_decided_is_not_touched(here: Scene, receiver: Receiver) -> None:
    verdict = removed(here)
    given = found_in_order(here, verdict["item"], "remove")
    made = here.rows("SELECT id FROM decisions WHERE judgement = %(j)s", j=given)[0]["id"]
    found_in_order(here, verdict["item"])
    for one in (verdict["decision"], made):
        assert state_of(here, one)["state"] == "in_force"
        assert reversals(here, receiver, one) == []


def test_what_a_person_confirmed_on_appeal_is_not_touched(here: Scene) -> None:
    verdict = removed(here)
    task = appealed(here, verdict["decision"])
    here.judge(here.reviewer("two"), task, "rejected")
    here.work()
    found_in_order(here, verdict["item"])
    assert state_of(here, verdict["decision"])["state"] == "in_force"


def test_what_a_rule_did_after_the_look_is_not_touched(here: Scene) -> None:
    verdict = removed(here)
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE decisions SET decided_at = decided_at + interval '1 hour'")
    found_in_order(here, verdict["item"])
    assert state_of(here, verdict["decision"])["state"] == "in_force"


def test_an_appeal_that_waits_succeeds_with_it(here: Scene, receiver: Receiver) -> None:
    verdict = removed(here)
    made = verdict["decision"]
    task = appealed(here, made)
    given = found_in_order(here, verdict["item"])
    assert reversals(here, receiver, made) == ["restore"]
    assert kinds(here, made) == ["decision", "appeal_upheld"]
    appeals = here.rows("SELECT state, judgement FROM appeals")
    assert appeals == [{"state": "upheld", "judgement": given}]
    assert here.rows("SELECT state FROM tasks WHERE id = %(t)s", t=task) == [{"state": "cancelled"}]
    with pytest.raises(Problem, match="done already"):
        here.judge(here.reviewer("two"), task, "rejected")


def test_an_appeal_that_was_judged_already_ends_as_was_said(
    here: Scene, receiver: Receiver
) -> None:
    """Both are said before either is settled; what is given back is given back once."""
    verdict = removed(here)
    made = verdict["decision"]
    with here.haven.db.begin(here.actor) as tx:
        report = Report(subject=ReportSubject(item=verdict["item"]), category="spam")
        intake.accept_report(tx, here.platform, report)
    here.work()
    review_task = here.rows("SELECT id FROM tasks WHERE state = 'open'")[0]["id"]
    here.judge(here.reviewer("one"), review_task, "allow")
    here.judge(here.reviewer("two"), appealed(here, made), "upheld")
    here.work()
    assert state_of(here, made)["state"] == "overturned"
    assert reversals(here, receiver, made) == ["restore"]
    assert kinds(here, made) == ["decision", "appeal_upheld"]
    assert here.rows("SELECT 1 FROM judgements WHERE state = 'given'") == []
