"""Strikes: they count for a time, can be lifted, and spare a child who may have been hurt."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from line_scene import OPERATOR, Scene, post

from openhaven import decisions, records
from openhaven.core import Actor, Problem, utcnow
from openhaven.decisions import strikes
from openhaven.decisions.strikes.model import CHILD_HARMS, life
from openhaven.decisions.strikes.store import may_be_child

CHILD = {"id": "kid", "age_band": "13-15"}
ADULT = {"id": "grown", "age_band": "18-plus"}
UNKNOWN = {"id": "who", "age_band": "unknown"}


def asked(here: Scene, account: dict[str, Any], harm: str) -> str:
    """Let a post of the account be put before a person as this harm; return the task."""
    body = post("Here comes a flumquist", account=account)
    here.accept(body)
    here.work()
    task = here.verdict(body["id"])["task"]
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run("""UPDATE cases SET harm = %(h)s WHERE id =
                    (SELECT case_id FROM tasks WHERE id = %(t)s)""", h=harm, t=task)  # fmt: skip
    return str(task)


def decided(here: Scene, who: Actor, account: dict[str, Any], harm: str, **values: Any) -> str:
    given = here.judge(who, asked(here, account, harm), "remove", clause="reports", **values)
    here.work()
    with here.haven.db.begin(OPERATOR) as tx:
        return str(tx.value("SELECT id FROM decisions WHERE judgement = %(j)s", j=given))


def counting(here: Scene, account: str, days: int = 0) -> int:
    with here.haven.db.read(utcnow() + timedelta(days=days)) as tx:
        return decisions.counting(tx, here.platform, account)


def test_strikes_count_and_expire_by_themselves(here: Scene) -> None:
    ana = here.reviewer("ana")
    for _ in range(2):
        decided(here, ana, ADULT, "scam")
    assert counting(here, "grown") == 2
    assert counting(here, "grown", 179) == 2
    assert counting(here, "grown", 181) == 0
    assert max(life(harm) for harm in ("spam", "scam", "hate", "csam.known")) <= timedelta(365)


def test_what_does_not_go_against_somebody_gives_none(here: Scene) -> None:
    given = here.judge(here.reviewer("ana"), asked(here, ADULT, "scam"), "allow", clause="reports")
    here.work()
    assert here.rows("SELECT 1 AS one FROM strikes") == []
    assert here.rows("SELECT outcome FROM decisions WHERE judgement = %(j)s", j=given)


def test_what_was_overturned_counts_no_more(here: Scene) -> None:
    made = decided(here, here.reviewer("ana"), ADULT, "scam")
    assert counting(here, "grown") == 1
    with here.haven.db.begin(OPERATOR) as tx:
        decisions.appeal(tx, decisions.decision(tx, made), "I think that you misread it.")
    task = here.rows("SELECT id FROM tasks WHERE kind = 'appeal'")[0]["id"]
    here.judge(here.reviewer("ben"), task, "upheld")
    here.work()
    assert counting(here, "grown") == 0
    assert [row["kind"] for row in entries(here, made)] == ["strike.noted", "strike.lifted"]


def entries(here: Scene, made: str) -> list[dict[str, Any]]:
    sql = """SELECT kind, actor FROM ledger_entries WHERE ids ->> 'decision' = %(d)s
             AND kind LIKE 'strike.%%' ORDER BY idx"""
    return here.rows(sql, d=made)


def test_each_harm_in_which_a_child_may_be_hurt_waits_for_a_specialist(here: Scene) -> None:
    ana = here.reviewer("ana")
    for harm in sorted(CHILD_HARMS):
        decided(here, ana, CHILD, harm)
    assert counting(here, "kid") == 0
    assert here.rows("SELECT count(*) AS n FROM strikes WHERE state = 'waits'") == [{"n": 9}]


@pytest.mark.parametrize("said", ["declared", "estimate", "carer", "proof", "reviewer"])
def test_who_says_18_is_taken_for_a_child_where_any_source_says_so(here: Scene, said: str) -> None:
    ana = here.reviewer("ana")
    decided(here, ana, ADULT, "ncii")
    assert counting(here, "grown") == 1
    subject = here.rows("SELECT subject FROM accounts WHERE id = 'grown'")[0]["subject"]
    sql = """INSERT INTO age_evidence (subject, source, band, day, expires)
             VALUES (%(s)s, %(said)s, '16-17', %(day)s, %(end)s)"""
    today = utcnow().date()
    with here.haven.db.begin(OPERATOR) as tx:
        tx.run(sql, s=subject, said=said, day=today, end=today + timedelta(30))
    made = decided(here, ana, ADULT, "ncii")
    assert counting(here, "grown") == 1
    with here.haven.db.read() as tx:
        assert [one.decision for one in strikes.waiting(tx)] == [made]
    with here.haven.db.read(utcnow() + timedelta(31)) as tx:
        assert not may_be_child(tx, here.platform, "grown"), "what was said has expired"


@pytest.mark.parametrize("account", [CHILD, UNKNOWN])
def test_a_child_who_may_have_been_hurt_gets_no_strike_without_a_specialist(
    here: Scene, account: dict[str, Any]
) -> None:
    made = decided(here, here.reviewer("ana"), account, "sextortion.minor")
    assert counting(here, account["id"]) == 0
    for other in (here.reviewer("ben"), here.reviewer("root", "administrator"), OPERATOR):
        with pytest.raises(Problem, match="specialist"), here.haven.db.begin(other) as tx:
            strikes.answer(tx, made, counts=True)
    sara = here.reviewer("sara", "specialist")
    with here.haven.db.begin(sara) as tx:
        strikes.answer(tx, made, counts=True)
    assert counting(here, account["id"]) == 1
    with pytest.raises(Problem, match="waits"), here.haven.db.begin(sara) as tx:
        strikes.answer(tx, made, counts=False)
    here.work()
    said = here.rows("SELECT actor, ids::text FROM ledger_entries WHERE kind = 'strike.answered'")
    assert said == [{"actor": f"staff:{sara.id}", "ids": "{}"}]


def test_the_public_ledger_does_not_tell_who_may_be_a_child(here: Scene) -> None:
    """What it says of a strike that waits, was answered or counted at once is the same."""
    me, sara = here.reviewer("ana"), here.reviewer("sara", "specialist")
    waits = decided(here, me, CHILD, "ncii")
    answered = decided(here, me, UNKNOWN, "ncii")
    at_once = decided(here, me, ADULT, "ncii")
    with here.haven.db.begin(sara) as tx:
        strikes.answer(tx, answered, counts=False)
    kinds = [[row["kind"] for row in entries(here, one)] for one in (waits, answered, at_once)]
    assert kinds[0] == kinds[1] == kinds[2] == ["strike.noted"]


def test_a_specialist_may_find_that_there_is_nothing_to_count(here: Scene) -> None:
    made = decided(here, here.reviewer("ana"), CHILD, "ncii")
    with here.haven.db.begin(here.reviewer("sara", "specialist")) as tx:
        strikes.answer(tx, made, counts=False)
    assert counting(here, "kid") == 0
    with here.haven.db.read() as tx:
        found = decisions.strike_of(tx, made)
    assert found is not None
    assert found.state == "lifted"


def test_who_takes_a_picture_down_is_asked_about_the_strike_alone(here: Scene) -> None:
    sara = here.reviewer("sara", "specialist")
    made = decided(here, sara, CHILD, "grooming")
    assert counting(here, "kid") == 0
    with here.haven.db.begin(sara) as tx:
        strikes.answer(tx, made, counts=True)
    assert counting(here, "kid") == 1


def test_a_child_is_not_spared_what_hurts_nobody_of_it(here: Scene) -> None:
    decided(here, here.reviewer("ana"), CHILD, "scam")
    assert counting(here, "kid") == 1


def test_an_adult_who_hurts_a_child_gets_it_at_once(here: Scene) -> None:
    decided(here, here.reviewer("ana"), ADULT, "grooming")
    assert counting(here, "grown") == 1


def test_the_database_knows_the_same_harms(here: Scene) -> None:
    assert {row["harm"] for row in here.rows("SELECT harm FROM harms_to_children")} == CHILD_HARMS


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE strikes SET state = 'counts' WHERE decision = %(d)s",
        "UPDATE strikes SET state = 'counts', answered_by = %(s)s, answered_at = now() "
        "WHERE decision = %(d)s",
        "UPDATE strikes SET expires_at = expires_at + interval '1 day' WHERE decision = %(d)s",
        "UPDATE strikes SET account = 'grown' WHERE decision = %(d)s",
        "UPDATE strikes SET severity = 1 WHERE decision = %(d)s",
        """INSERT INTO strikes (decision, platform, account, severity, state, given_at, expires_at)
           SELECT id, platform, 'somebody', 1, 'waits', now(), now() + interval '1 day'
           FROM decisions WHERE id = %(free)s""",
        """INSERT INTO strikes (decision, platform, account, severity, state, given_at, expires_at)
           SELECT id, platform, account, 1, 'waits', now(), now() + interval '1 day'
           FROM decisions WHERE id = %(free)s""",
    ],
)
def test_the_database_refuses_what_the_program_would_not_do(here: Scene, statement: str) -> None:
    ana = here.reviewer("ana")
    made = decided(here, ana, CHILD, "sextortion.minor")
    here.judge(ana, asked(here, ADULT, "scam"), "allow", clause="reports")
    here.work()
    free = here.rows("SELECT id FROM decisions WHERE outcome = 'allow'")[0]["id"]
    with pytest.raises(psycopg.errors.CheckViolation), here.haven.db.begin(OPERATOR) as tx:
        tx.run(statement, d=made, s=ana.id, free=free)


def test_what_was_lifted_stays_lifted(here: Scene) -> None:
    made = decided(here, here.reviewer("ana"), ADULT, "scam")
    with here.haven.db.begin(OPERATOR) as tx:
        strikes.lift(tx, made)
    with pytest.raises(psycopg.errors.CheckViolation), here.haven.db.begin(OPERATOR) as tx:
        tx.run("UPDATE strikes SET state = 'counts' WHERE decision = %(d)s", d=made)


def test_strikes_go_with_the_person(here: Scene) -> None:
    decided(here, here.reviewer("ana"), ADULT, "scam")
    with here.haven.db.begin(OPERATOR) as tx:
        records.erase(tx, here.platform, "grown")
    assert here.rows("SELECT 1 AS one FROM strikes") == []
