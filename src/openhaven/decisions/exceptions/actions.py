"""Verbs of exceptions: begin one with its decision, follow what was said of it, end it."""

from datetime import datetime, timedelta

from openhaven import ledger
from openhaven.core import new_id
from openhaven.decisions.exceptions.store import Exempt, living
from openhaven.review.terms import Later
from openhaven.staff import approvals
from openhaven.storage import Tx

KIND = "notice-exception"
# How long the notice waits for a second person.
_ASKED = timedelta(days=1)
_WORDS = {"child-safety": "A live child-safety investigation", "legal-order": "A legal order"}


def begin(tx: Tx, decision: str, later: Later, by: str) -> str:
    """Hold the notice of a decision that was just made back, and ask a second person.

    `by` is who judged. Where nobody else works here it stands at once. Returns the exception's id.
    """
    exception = new_id("nex")
    tx.run(
        """INSERT INTO notice_exceptions (id, decision, kind, reference, asked_by, asked_at, until)
           VALUES (%(id)s, %(d)s, %(kind)s, %(reference)s, %(by)s, %(now)s, %(until)s)""",
        id=exception,
        d=decision,
        kind=later.kind,
        reference=later.reference.strip(),
        by=by,
        now=tx.now,
        until=tx.now + timedelta(days=later.days),
    )
    # Not of which kind: the ledger is public, and the row is sealed into it with its kind.
    ids = {"exception": exception, "decision": decision}
    ledger.append(tx, "notice.exception_asked", ids, row=("notice_exceptions", exception))
    _tell_at(tx, decision, tx.now + _ASKED)
    reason = f"{_WORDS[later.kind]} ({later.reference.strip()}): tell after {later.days} days."
    approvals.ask(tx, KIND, exception, reason, by=by)
    follow(tx)
    return exception


def follow(tx: Tx) -> int:
    """Let what was agreed to stand, and end what was refused or is over; return how many."""
    changed = 0
    for one in living(tx):
        said = approvals.state_of(tx, KIND, one.id)
        if one.until <= tx.now or said in ("refused", "lapsed"):
            _end(tx, one)
        elif one.state == "asked" and said in ("approved", "alone"):
            tx.run("UPDATE notice_exceptions SET state = 'stands' WHERE id = %(id)s", id=one.id)
            _tell_at(tx, one.decision, one.until)
            ids = {"exception": one.id, "decision": one.decision}
            ledger.append(tx, "notice.exception_stands", ids)
        else:
            continue
        changed += 1
    return changed


def _end(tx: Tx, one: Exempt) -> None:
    sql = "UPDATE notice_exceptions SET state = 'ended', ended_at = %(now)s WHERE id = %(id)s"
    tx.run(sql, id=one.id, now=tx.now)
    _tell_at(tx, one.decision, tx.now)
    ids = {"exception": one.id, "decision": one.decision}
    ledger.append(tx, "notice.exception_ended", ids)


def _tell_at(tx: Tx, decision: str, at: datetime) -> None:
    """Let what the person is to be told leave at a moment; what has left already is left alone."""
    tx.run(
        """UPDATE acts SET next_at = %(at)s WHERE decision = %(d)s AND verb IN ('notify', 'warn')
             AND state = 'intended' AND attempts = 0""",
        at=at,
        d=decision,
    )
    tx.run(
        """UPDATE notices SET email_next_at = %(at)s WHERE decision = %(d)s
             AND audience = 'account' AND email_state = 'intended' AND email_attempts = 0""",
        at=at,
        d=decision,
    )
    tx.wake("acts")
    tx.wake("notices")
