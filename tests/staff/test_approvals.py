"""Two people: asked, answered, lapsed, alone; through the verbs and behind their back."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from openhaven import ledger, staff
from openhaven.core import Actor, Problem, system, utcnow
from openhaven.core.permissions import GRANTS
from openhaven.staff import approvals
from openhaven.storage import Database

OPERATOR = system("operator")


def person(db: Database, name: str, *roles: str) -> Actor:
    with db.begin(OPERATOR) as tx:
        return staff.create(tx, name, roles or ("specialist",)).actor


def asked(db: Database, who: Actor, kind: str = "no-report", matter: str = "cas_1") -> str:
    with db.begin(who) as tx:
        return approvals.ask(tx, kind, matter, "It is a drawing of a tree.")


def answered(db: Database, who: Actor, approval: str, yes: bool = True, **values: Any) -> None:
    with db.begin(who, values.pop("now", None)) as tx:
        approvals.answer(tx, approval, yes, values.get("reason", ""))


def state(db: Database, matter: str = "cas_1", kind: str = "no-report") -> str | None:
    with db.read() as tx:
        return approvals.state_of(tx, kind, matter)


def test_the_database_knows_the_same_kinds_and_roles(db: Database) -> None:
    with db.read() as tx:
        rows = tx.rows("SELECT kind, roles FROM approval_kinds")
    stored = {row["kind"]: set(row["roles"]) for row in rows}
    assert stored == {
        code: {role for role, granted in GRANTS.items() if kind.permission in granted}
        for code, kind in approvals.KINDS.items()
    }


def test_a_second_person_agrees_and_it_may_go_on(db: Database) -> None:
    ana, ben = person(db, "ana"), person(db, "ben", "senior")
    approval = asked(db, ana)
    with db.read() as tx:
        assert not approvals.approved(tx, "no-report", "cas_1")
        [one] = approvals.waiting(tx, "no-report")
        assert (one.id, one.asked_name, one.reason) == (
            approval,
            "ana",
            "It is a drawing of a tree.",
        )
    answered(db, ben, approval)
    with db.read() as tx:
        assert approvals.approved(tx, "no-report", "cas_1")
        assert approvals.independent(tx, "no-report", "cas_1")
        # It says nothing of another matter, or of something else about the same one.
        assert not approvals.approved(tx, "no-report", "cas_2")
        assert not approvals.approved(tx, "withhold-longer", "cas_1")
        kinds = tx.rows("SELECT kind FROM ledger_entries WHERE kind LIKE 'approval.%%' ORDER BY at")
    assert [row["kind"] for row in kinds] == ["approval.asked", "approval.approved"]


def test_nobody_agrees_with_themselves_or_without_the_role(db: Database) -> None:
    ana, ben = person(db, "ana"), person(db, "ben", "moderator", "appeals")
    approval = asked(db, ana)
    for who, code in ((ana, "approval.own"), (ben, "permission"), (OPERATOR, "permission")):
        with pytest.raises(Problem) as told:
            answered(db, who, approval)
        assert told.value.code == code
    assert state(db) == "waiting"


def test_a_role_that_was_withdrawn_a_moment_ago_answers_nothing(db: Database) -> None:
    ana, ben = person(db, "ana"), person(db, "ben")
    approval = asked(db, ana)
    with db.begin(OPERATOR) as tx:
        staff.set_roles(tx, staff.named(tx, "ben"), ("auditor",))
    with pytest.raises(Problem, match="role"):
        answered(db, ben, approval)
    with db.begin(OPERATOR) as tx:
        staff.set_roles(tx, staff.named(tx, "ben"), ("specialist",))
        staff.disable(tx, staff.named(tx, "ben"))
    with pytest.raises(Problem, match="role"):
        answered(db, ben, approval)
    assert state(db) == "waiting"


def test_who_refuses_says_why_and_it_can_be_asked_again(db: Database) -> None:
    ana, ben = person(db, "ana"), person(db, "ben")
    approval = asked(db, ana)
    with pytest.raises(Problem, match="already"):
        asked(db, ana)
    with pytest.raises(Problem, match="few words"):
        answered(db, ben, approval, yes=False)
    answered(db, ben, approval, yes=False, reason="I see a face.")
    with pytest.raises(Problem, match="does not wait"):
        answered(db, ben, approval)
    assert state(db) == "refused"
    again = asked(db, ana)
    answered(db, ben, again)
    assert state(db) == "approved"


def test_what_nobody_answers_lapses(db: Database) -> None:
    ana, ben = person(db, "ana"), person(db, "ben")
    approval = asked(db, ana)
    late = utcnow() + timedelta(days=4)
    with pytest.raises(Problem, match="does not wait"):
        answered(db, ben, approval, now=late)
    with db.begin(OPERATOR, late) as tx:
        assert approvals.lapse(tx) == 1
    assert state(db) == "lapsed"


def test_alone_is_only_who_has_nobody_to_ask(db: Database) -> None:
    """It takes both: that the operator says so, and that it is so."""
    ana = person(db, "ana")
    asked(db, ana)
    assert state(db) == "waiting", "a team waits for somebody"
    with db.begin(OPERATOR) as tx:
        staff.set_staffing(tx, "solo")
        assert staff.differs(tx) == ""
    asked(db, ana, matter="cas_2")
    assert state(db, "cas_2") == "alone"
    with db.read() as tx:
        assert approvals.approved(tx, "no-report", "cas_2")
        assert not approvals.independent(tx, "no-report", "cas_2")
    person(db, "eve", "moderator")
    asked(db, ana, matter="cas_3")
    assert state(db, "cas_3") == "alone", "who has no role for it is nobody to ask"
    person(db, "ben")
    asked(db, ana, matter="cas_4")
    assert state(db, "cas_4") == "waiting"
    with db.read() as tx:
        assert "solo" in staff.differs(tx)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approvals SET state = 'alone', answered_at = now()",
        "UPDATE approvals SET state = 'approved', answered_by = asked_by, answered_at = now()",
        "UPDATE approvals SET state = 'approved', answered_by = %(eve)s, answered_at = now()",
        "UPDATE approvals SET state = 'refused', answered_by = %(ben)s, answered_at = now()",
        "UPDATE approvals SET kind = 'bulk'",
        "UPDATE approvals SET matter = 'cas_2'",
        """INSERT INTO approvals (id, kind, matter, asked_by, asked_at, lapses_at, state,
             answered_at) VALUES ('apr_x', 'bulk', 'x', %(eve)s, now(), now() + '1 day'::interval,
             'alone', now())""",
        """INSERT INTO approvals (id, kind, matter, asked_by, asked_at, lapses_at, state,
             answered_by, answered_at) VALUES ('apr_x', 'bulk', 'x', %(eve)s, now(),
             now() + '1 day'::interval, 'approved', %(ben)s, now())""",
    ],
)
def test_it_cannot_be_forged_behind_the_programs_back(db: Database, statement: str) -> None:
    ana, ben, eve = person(db, "ana"), person(db, "ben"), person(db, "eve", "moderator")
    asked(db, ana)
    with db.begin(OPERATOR) as tx:
        staff.set_staffing(tx, "solo")
    with pytest.raises(psycopg.errors.CheckViolation), db.begin(OPERATOR) as tx:
        tx.run(statement, ben=ben.id, eve=eve.id)


def test_words_are_sealed_and_can_be_forgotten(db: Database) -> None:
    ana, ben = person(db, "ana"), person(db, "ben")
    approval = asked(db, ana)
    answered(db, ben, approval, yes=False, reason="A face is to be seen.")
    with db.begin(OPERATOR) as tx:
        [row] = tx.rows("SELECT reason, answer FROM approvals")
        assert b"tree" not in bytes(row["reason"])
        approvals.forget(tx, ["cas_1"])
        found = approvals.approval(tx, approval)
        assert (found.state, found.reason, found.answer) == ("refused", "", "")
    with pytest.raises(psycopg.errors.CheckViolation), db.begin(OPERATOR) as tx:
        tx.run("UPDATE approvals SET answer = '\\x01'")


def test_each_is_in_the_ledger_with_its_row(db: Database) -> None:
    asked(db, person(db, "ana"))
    assert "approvals" in ledger.model.ALWAYS_RECORDED
    with db.read() as tx:
        [entry] = tx.rows("SELECT row_table FROM ledger_entries WHERE kind = 'approval.asked'")
    assert entry["row_table"] == "approvals"
