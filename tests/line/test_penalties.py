"""How long an account may be suspended, and the second person: tried by every way to break it."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from line_scene import NOW, OPERATOR, Scene, post

from openhaven import decisions, intake, ledger, records, review
from openhaven.core import HARMS, Actor, Problem, utcnow
from openhaven.decisions import penalties
from openhaven.staff import approvals

ACCOUNT = {"id": "grown", "age_band": "18-plus"}


def asked(here: Scene, harm: str, account: dict[str, Any] = ACCOUNT) -> str:
    body = post("Here comes a flumquist", account=account)
    here.accept(body)
    here.work()
    task = here.verdict(body["id"])["task"]
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("""UPDATE cases SET harm = %(h)s WHERE id =
                    (SELECT case_id FROM tasks WHERE id = %(t)s)""", h=harm, t=task)  # fmt: skip
    return str(task)


def judged(here: Scene, who: Actor, outcome: str, harm: str = "scam", **values: Any) -> str:
    """Let a fresh post be judged; return the judgement."""
    given = here.judge(who, asked(here, harm), outcome, clause="reports", **values)
    here.work()
    return given


def decision_of(here: Scene, judgement: str) -> dict[str, Any] | None:
    rows = here.rows("SELECT * FROM decisions WHERE judgement = %(j)s", j=judgement)
    return rows[0] if rows else None


def days_of(here: Scene, judgement: str) -> int | None:
    made = decision_of(here, judgement)
    assert made is not None
    return None if made["until"] is None else (made["until"] - made["decided_at"]).days


def waiting(here: Scene) -> list[str]:
    with here.haven.db.read() as tx:
        return [one.id for one in approvals.waiting(tx, "termination")]


def answer(here: Scene, who: Actor, approval: str, reason: str | None = None) -> None:
    with here.haven.db.begin(who) as tx:
        approvals.answer(tx, approval, reason is None, reason or "")
        penalties.follow(tx)
    here.work()


# The ladder -----------------------------------------------------------------------------------


def test_the_longest_suspension_grows_with_the_strikes(here: Scene) -> None:
    ana = here.reviewer("ana")
    assert [days_of(here, judged(here, ana, "suspend", days=3_650)) for _ in range(3)] == [
        30, 90, 365]  # fmt: skip
    # Where it may be for good, what has an end still ends within a year: longer takes two people.
    assert days_of(here, judged(here, ana, "suspend", days=3_650)) == 365
    assert waiting(here) == []


def test_less_than_the_longest_is_left_as_it_is(here: Scene) -> None:
    assert days_of(here, judged(here, here.reviewer("ana"), "suspend", days=7)) == 7


def test_nobody_is_banned_for_good_at_the_first_that_is_not_severe(here: Scene) -> None:
    assert days_of(here, judged(here, here.reviewer("ana"), "suspend")) == 30
    assert waiting(here) == []


def test_strikes_that_expired_or_were_lifted_do_not_lead_up(here: Scene) -> None:
    ana = here.reviewer("ana")
    for _ in range(3):
        judged(here, ana, "remove")
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("""UPDATE strikes SET state = 'lifted'
                  WHERE decision = (SELECT min(decision) FROM strikes)""")
    assert days_of(here, judged(here, ana, "suspend", days=3_650)) == 365


def test_reports_do_not_lead_up(here: Scene) -> None:
    """However many report it, the harm is as grave as it is, and so is what may follow."""
    task = asked(here, "scam")
    with here.haven.db.begin(OPERATOR) as tx:
        item = tx.value("""SELECT item FROM cases WHERE id =
                             (SELECT case_id FROM tasks WHERE id = %(t)s)""", t=task)  # fmt: skip
    before = here.rows("SELECT severity FROM tasks WHERE id = %(t)s", t=task)
    for _ in range(12):
        with here.haven.db.begin(OPERATOR) as tx:
            subject = intake.ReportSubject(item=item)
            intake.accept_report(tx, here.platform, intake.Report(subject=subject, category="scam"))
        here.work()
    after = here.rows("SELECT severity, reports FROM tasks WHERE id = %(t)s", t=task)
    assert after[0]["reports"] == 12
    assert after[0]["severity"] <= max(before[0]["severity"], HARMS["scam"].severity)
    given = here.judge(here.reviewer("ana"), task, "suspend", clause="reports")
    here.work()
    assert days_of(here, given) == 30
    assert here.rows("SELECT severity FROM strikes") == [{"severity": HARMS["scam"].severity}]


def test_the_database_knows_the_same_severe_harms(here: Scene) -> None:
    severe = {code for code, harm in HARMS.items() if harm.severity == 4}
    assert {row["harm"] for row in here.rows("SELECT harm FROM severe_harms")} == severe


# The second person ----------------------------------------------------------------------------


def wanted(here: Scene, who: Actor) -> tuple[str, str]:
    """Let somebody judge that an account shall end for good; return judgement and request."""
    given = judged(here, who, "suspend", "grooming")
    [approval] = waiting(here)
    assert decision_of(here, given) is None
    return given, approval


def test_for_good_takes_a_second_person(here: Scene) -> None:
    ana, ben = here.reviewer("ana"), here.reviewer("ben")
    given, approval = wanted(here, ana)
    here.work()
    assert here.rows("SELECT 1 AS one FROM acts") == []
    with pytest.raises(Problem, match="yourself"):
        answer(here, ana, approval)
    answer(here, ben, approval)
    assert days_of(here, given) is None
    made = decision_of(here, given)
    assert made is not None
    assert made["permanent"]
    assert {row["verb"] for row in here.rows("SELECT verb FROM acts")} == {"notify", "suspend"}
    kinds = here.rows("SELECT kind, actor FROM ledger_entries WHERE kind LIKE 'approval.%%'")
    assert sorted((row["kind"], row["actor"].partition(":")[0]) for row in kinds) == [
        ("approval.approved", "staff"), ("approval.asked", "system")]  # fmt: skip
    with here.haven.db.read() as tx:
        assert ledger.verify(tx, None, here.haven.signer.vkey).ok


def test_neither_of_the_two_hears_the_appeal(here: Scene) -> None:
    ana, ben = here.reviewer("ana"), here.reviewer("ben")
    given, approval = wanted(here, ana)
    answer(here, ben, approval)
    made = decision_of(here, given)
    assert made is not None
    with here.haven.db.begin(OPERATOR) as tx:
        decisions.appeal(tx, decisions.decision(tx, made["id"]), "It was a role in a play.")
    [task] = here.rows("SELECT id, barred FROM tasks WHERE kind = 'appeal'")
    assert set(task["barred"]) == {ana.id, ben.id}
    here.judge(here.reviewer("eve"), task["id"], "upheld")
    here.work()
    assert here.rows("SELECT state FROM strikes") == [{"state": "lifted"}]


def test_who_does_not_agree_puts_it_before_somebody_else(here: Scene) -> None:
    ana, ben = here.reviewer("ana"), here.reviewer("ben")
    given, approval = wanted(here, ana)
    with pytest.raises(Problem, match="few words why"):
        answer(here, ben, approval, "  ")
    answer(here, ben, approval, "The words are from a film.")
    assert decision_of(here, given) is None
    [task] = here.rows("SELECT id, barred FROM tasks WHERE state = 'open'")
    assert task["barred"] == [ana.id]
    with pytest.raises(Problem, match="somebody else"), here.haven.db.begin(ana) as tx:
        review.claim(tx, task["id"])
    here.judge(ben, task["id"], "allow", clause="reports")
    here.work()
    assert [row["outcome"] for row in here.rows("SELECT outcome FROM decisions")] == ["allow"]


def test_what_nobody_answers_goes_back(here: Scene) -> None:
    given, approval = wanted(here, here.reviewer("ana"))
    with here.haven.db.begin(OPERATOR, utcnow() + timedelta(days=4)) as tx:
        decisions.cancel_expired(tx)
    assert waiting(here) == []
    assert len(here.rows("SELECT 1 AS one FROM tasks WHERE state = 'open'")) == 1
    with pytest.raises(Problem, match="does not wait"):
        answer(here, here.reviewer("ben"), approval)
    assert decision_of(here, given) is None


@pytest.mark.parametrize("roles", [("auditor",), ("administrator",), ("policy",)])
def test_only_who_decides_on_cases_can_agree(here: Scene, roles: tuple[str, ...]) -> None:
    _, approval = wanted(here, here.reviewer("ana"))
    with pytest.raises(Problem, match="role"):
        answer(here, here.reviewer("x", *roles), approval)
    with pytest.raises(Problem, match="role"):
        answer(here, OPERATOR, approval)
    assert waiting(here) == [approval]


def test_once_answered_it_stays_so(here: Scene) -> None:
    _, approval = wanted(here, here.reviewer("ana"))
    ben = here.reviewer("ben")
    answer(here, ben, approval, "I see it otherwise.")
    for reason in (None, "Again."):
        with pytest.raises(Problem, match="does not wait"):
            answer(here, ben, approval, reason)


def test_a_person_who_is_erased_in_the_meantime_is_left_alone(here: Scene) -> None:
    _, approval = wanted(here, here.reviewer("ana"))
    with here.haven.db.begin(OPERATOR) as tx:
        records.erase(tx, here.platform, "grown")
    with pytest.raises(Problem, match="does not wait"):
        answer(here, here.reviewer("ben"), approval)
    assert waiting(here) == []
    with here.haven.db.begin(OPERATOR, utcnow() + timedelta(days=4)) as tx:
        decisions.cancel_expired(tx)
    assert here.rows("SELECT 1 AS one FROM tasks WHERE state = 'open'") == []


def test_the_words_of_who_did_not_agree_are_erased_with_the_person(here: Scene) -> None:
    _, approval = wanted(here, here.reviewer("ana"))
    answer(here, here.reviewer("ben"), approval, "Grown has told me about the exam.")
    with here.haven.db.begin(OPERATOR) as tx:
        records.erase(tx, here.platform, "grown")
    [row] = here.rows("SELECT id, state, reason, answer FROM approvals")
    assert (row["state"], row["reason"], row["answer"]) == ("refused", None, None)
    sql = "SELECT destroyed_at IS NULL AS lives FROM subject_keys WHERE subject = %(s)s"
    assert here.rows(sql, s=row["id"]) == [{"lives": False}]


# Races ----------------------------------------------------------------------------------------


def at_once(*jobs: Callable[[], None]) -> list[str]:
    """Run all jobs at once; return how each ended."""
    gate, ends = threading.Barrier(len(jobs)), [""] * len(jobs)

    def run(number: int) -> None:
        gate.wait(300)
        try:
            jobs[number]()
            ends[number] = "done"
        except Problem as problem:
            ends[number] = problem.code

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    return ends


def test_of_many_who_answer_at_once_one_counts(here: Scene) -> None:
    given, approval = wanted(here, here.reviewer("ana"))
    people = [here.reviewer(f"p{number}") for number in range(6)]

    def job(number: int) -> Callable[[], None]:
        def run() -> None:
            with here.haven.db.begin(people[number]) as tx:
                approvals.answer(tx, approval, number % 2 == 1, "" if number % 2 else "No.")
                penalties.follow(tx)

        return run

    ends = at_once(*[job(number) for number in range(6)])
    assert sorted(ends) == ["approval.answered"] * 5 + ["done"]
    here.work()
    agreed = ends.index("done") % 2 == 1
    assert (decision_of(here, given) is not None) is agreed


# Behind the program's back --------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decisions SET until = NULL, permanent = true WHERE id = %(d)s",
        "UPDATE decisions SET until = decided_at + interval '31 days' WHERE id = %(d)s",
        "UPDATE decisions SET until = NULL, permanent = true, harm = 'grooming' WHERE id = %(d)s",
        """UPDATE decisions SET until = decided_at + interval '10 years', harm = 'grooming'
           WHERE id = %(d)s""",
        "UPDATE decisions SET decided_at = decided_at - interval '300 days' WHERE id = %(d)s",
        """UPDATE decisions SET until = NULL, permanent = true, harm = 'grooming',
           judgement = NULL, decided_by = 'platform:x' WHERE id = %(d)s""",
        """UPDATE decisions SET judgement = NULL WHERE id = %(d)s""",
    ],
)
def test_a_suspension_cannot_be_made_longer_by_hand(here: Scene, statement: str) -> None:
    made = decision_of(here, judged(here, here.reviewer("ana"), "suspend", days=30))
    assert made is not None
    with pytest.raises(psycopg.errors.CheckViolation), here.haven.db.begin(OPERATOR) as tx:
        tx.run(statement, d=made["id"])


@pytest.mark.parametrize(
    "statement",
    [
        # Nobody agrees with themselves, in nobody's name, or in that of somebody without the role.
        "UPDATE approvals SET state = 'approved', answered_by = asked_by, answered_at = now()",
        "UPDATE approvals SET state = 'approved', answered_at = now()",
        "UPDATE approvals SET state = 'approved', answered_by = %(aud)s, answered_at = now()",
        """UPDATE approvals SET state = 'approved', answered_by = %(ana)s, asked_by = %(ben)s,
           answered_at = now()""",
        "UPDATE approvals SET asked_by = %(ben)s",
        "UPDATE approvals SET state = 'refused', answered_by = %(ben)s, answered_at = now()",
        "UPDATE approvals SET answered_by = %(ben)s",
    ],
)
def test_an_approval_cannot_be_forged_by_hand(here: Scene, statement: str) -> None:
    ana, ben, aud = here.reviewer("ana"), here.reviewer("ben"), here.reviewer("aud", "auditor")
    wanted(here, ana)
    with pytest.raises(psycopg.errors.CheckViolation), here.haven.db.begin(OPERATOR) as tx:
        tx.run(statement, ana=ana.id, ben=ben.id, aud=aud.id)


def test_what_was_refused_cannot_be_turned(here: Scene) -> None:
    ben = here.reviewer("ben")
    given, approval = wanted(here, here.reviewer("ana"))
    answer(here, ben, approval, "No.")
    for change in (
        "state = 'approved'",
        "state = 'waiting', answered_by = NULL, answered_at = NULL",
    ):
        with pytest.raises(psycopg.errors.CheckViolation), here.haven.db.begin(OPERATOR) as tx:
            tx.run(f"UPDATE approvals SET {change}")
    with pytest.raises(psycopg.errors.UniqueViolation), here.haven.db.begin(OPERATOR) as tx:
        tx.run("""INSERT INTO approvals (id, kind, matter, asked_by, asked_at, lapses_at)
                  SELECT 'apr_x', kind, matter, asked_by, asked_at, lapses_at FROM approvals""")
    assert decision_of(here, given) is None


def test_a_judgement_cannot_skip_the_second_person(here: Scene) -> None:
    """Who turns the judgement back by hand only makes it wait again."""
    given, approval = wanted(here, here.reviewer("ana"))
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE judgements SET state = 'given' WHERE id = %(j)s", j=given)
    here.work()
    assert waiting(here) == [approval]
    assert decision_of(here, given) is None


def test_an_approval_without_an_entry_is_found(here: Scene) -> None:
    ana = here.reviewer("ana")
    given = judged(here, ana, "remove")
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("""INSERT INTO approvals (id, kind, matter, asked_by, asked_at, lapses_at)
                  VALUES ('apr_x', 'termination', %(j)s, %(a)s, %(now)s,
                    %(now)s + interval '1 day')""",
               j=given, a=ana.id, now=NOW)  # fmt: skip
    here.work()
    with here.haven.db.read() as tx:
        found = ledger.verify(tx, None, here.haven.signer.vkey)
    assert not found.ok
    assert "approvals" in str(found)
