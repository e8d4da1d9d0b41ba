"""Verbs of duties: open one, let a report fulfil it, give a reason why there is none."""

from datetime import datetime

from openhaven import ledger
from openhaven.authorities.duties.model import GROUNDS, LONGEST_REASON, Duty
from openhaven.authorities.duties.store import duty, listed, open_of
from openhaven.authorities.permitted import only_specialists
from openhaven.core import Problem, new_id
from openhaven.staff import approvals
from openhaven.storage import Tx

CHANNEL = "authorities"
NO_REPORT = "no-report"


def open(
    tx: Tx, case: str, jurisdiction: str, due_at: datetime, why: str, *, authority: str = ""
) -> str:
    """Open a duty to tell an authority of a case, and return its id; one that is open stays.

    `jurisdiction` is whose law it is (ISO 3166-1, `EU` for the Union), `why` names the law and the
    facts that bring it about. `authority` is who is told, the usual one where it is empty. When a
    case is marked more urgent, the earlier of both ends of the clock holds.
    """
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended(%(n)s, 0))", n=f"duty:{case}")
    sql = "SELECT id FROM duties WHERE case_id = %(c)s AND jurisdiction = %(j)s AND state = 'open'"
    known = tx.value(sql, c=case, j=jurisdiction)
    if known is not None:
        sql = "UPDATE duties SET due_at = least(due_at, %(due)s) WHERE id = %(id)s"
        tx.run(sql, id=known, due=due_at)
        return str(known)
    made = new_id("dty")
    tx.run(
        """INSERT INTO duties (id, case_id, jurisdiction, authority, why, opened_at, due_at)
           VALUES (%(id)s, %(case)s, %(j)s, %(authority)s, %(why)s, %(now)s, %(due)s)""",
        id=made, case=case, j=jurisdiction, authority=authority or usual(jurisdiction), why=why,
        now=tx.now, due=due_at,
    )  # fmt: skip
    _noted(tx, "opened", made, case)
    return made


def usual(jurisdiction: str) -> str:
    """Return who is told under the law of a country where nothing else is said."""
    return {"US": "ncmec", "GB": "nca"}.get(jurisdiction, f"hotline-{jurisdiction.lower()}")


def cover(tx: Tx, covered: str, by: str) -> None:
    """Note that the report of the duty `by` counts for the duty `covered` too, once it is made."""
    sql = """UPDATE duties SET covered_by = %(by)s WHERE id = %(id)s AND state = 'open'
             AND covered_by IS DISTINCT FROM %(by)s"""
    if tx.run(sql, id=covered, by=by):
        ledger.append(tx, "duty.covered_by", {"duty": covered, "by": by})


def close(
    tx: Tx, duty_id: str, *, reference: str | None = None, no_report_reason: str | None = None,
    ground: str = "other",
) -> bool:  # fmt: skip
    """End a duty: with the reference that an authority gave, or with a reason for no report.

    `ground` is one of `GROUNDS`, by which the reason is counted. A reason is put before a second
    person; the duty stays open until that one agrees (`settle`), or ends at once where nobody else
    works here. Returns whether it has ended. Raises `Problem` for both or neither, for one that has
    ended (409), and for who has not the role (403).
    """
    only_specialists(tx)
    found = _locked(tx, duty_id)
    if (reference is None) == (no_report_reason is None):
        raise Problem("duty.how", "A duty ends with a reference, or with a reason for no report.")
    if reference is not None:
        _fulfil(tx, found, _tidy(reference, 200))
        return True
    words = _tidy(no_report_reason or "", LONGEST_REASON)
    if ground not in GROUNDS:
        raise Problem("duty.ground", "Choose why nothing is to be reported.",
                      next_step="One of the grounds of the list.")  # fmt: skip
    sql = "UPDATE duties SET no_report = %(why)s, no_report_ground = %(g)s WHERE id = %(id)s"
    tx.run(sql, id=duty_id, why=tx.keys.seal(duty_id, words.encode()), g=ground)
    approvals.ask(tx, NO_REPORT, duty_id, words)
    if approvals.approved(tx, NO_REPORT, duty_id):
        _give_up(tx, found)
        return True
    _noted(tx, "no_report_asked", found.id, found.case_id)
    return False


def settle(tx: Tx) -> int:
    """End the duties whose reason a second person has agreed to; return how many ended.

    Where that one did not agree, or nobody answered in time, the duty is as open as before.
    """
    sql = """SELECT id FROM duties WHERE state = 'open' AND no_report IS NOT NULL
             ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED"""
    ended = 0
    for row in tx.rows(sql):
        found = duty(tx, str(row["id"]))
        said = approvals.state_of(tx, NO_REPORT, found.id)
        if said in ("approved", "alone"):
            _give_up(tx, found)
            ended += 1
        elif said != "waiting":
            tx.run("UPDATE duties SET no_report = NULL, no_report_ground = NULL "
                   "WHERE id = %(id)s", id=found.id)  # fmt: skip
            _noted(tx, "no_report_refused", found.id, found.case_id)
    return ended


def reported(tx: Tx, case: str, authority: str, reference: str) -> None:
    """End every open duty of a case that its report to an authority fulfils."""
    for found in open_of(tx, case, authority):
        _fulfil(tx, found, reference)


def _fulfil(tx: Tx, found: Duty, reference: str) -> None:
    _end(tx, found, "reported", reference)
    for other in listed(tx, case=found.case_id):
        if other.covered_by == found.id:
            _end(tx, other, "covered", reference)


def _give_up(tx: Tx, found: Duty) -> None:
    """End a duty without a report; what it would have covered has to be reported itself."""
    _end(tx, found, "no_report", None)
    tx.run("UPDATE duties SET covered_by = NULL WHERE covered_by = %(id)s AND state = 'open'",
           id=found.id)  # fmt: skip


def _end(tx: Tx, found: Duty, state: str, reference: str | None) -> None:
    # A reason that was asked about before the report was made is of no use any more.
    ended = tx.run(
        """UPDATE duties SET state = %(state)s, reference = %(ref)s, closed_at = %(now)s,
             closed_by = %(by)s, no_report = CASE WHEN %(state)s = 'no_report' THEN no_report END,
             no_report_ground = CASE WHEN %(state)s = 'no_report' THEN no_report_ground END
           WHERE id = %(id)s AND state = 'open'""",
        id=found.id, state=state, ref=reference, now=tx.now, by=str(tx.actor),
    )  # fmt: skip
    if ended:
        _noted(tx, state, found.id, found.case_id)


def _locked(tx: Tx, duty_id: str) -> Duty:
    tx.run("SELECT 1 FROM duties WHERE id = %(id)s FOR UPDATE", id=duty_id)
    found = duty(tx, duty_id)
    if found.state != "open":
        raise Problem("duty.ended", "This duty has ended already.", found.reference or "",
                      status=409, next_step="Go back to the case.")  # fmt: skip
    return found


def _tidy(text: str, longest: int) -> str:
    tidy = " ".join(text.split())
    if not 1 <= len(tidy) <= longest:
        raise Problem("duty.words", "Something has to be said here.",
                      next_step=f"Write up to {longest:,} characters.")  # fmt: skip
    return tidy


def _noted(tx: Tx, what: str, duty_id: str, case: str) -> None:
    ledger.append(tx, f"duty.{what}", {"duty": duty_id, "case": case})
    tx.wake("console")
    tx.wake(CHANNEL)
