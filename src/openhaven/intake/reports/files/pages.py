"""What was sent along with a report, for who works on the task: blurred, or clear. Thin."""

from openhaven import ledger
from openhaven.core import Problem
from openhaven.intake.reports.files import file_of
from openhaven.review.looks import CLEAR_SIDE, VEILED_SIDE, veil
from openhaven.storage import Tx
from openhaven.web import Answer, Call


def veiled(call: Call) -> Answer:
    """`GET /console/report-files/{id}`: the picture, blurred and grey."""
    return _picture(call, clear=False)


def clear(call: Call) -> Answer:
    """`POST /console/report-files/{id}/reveal`: the picture; that I looked is recorded first."""
    return _picture(call, clear=True)


def _picture(call: Call, *, clear: bool) -> Answer:
    with call.haven.db.begin(call.actor, call.now) as tx:
        found, data = file_of(tx, call.path["id"])
        task = _held(tx, found.report, call.actor.id)
        if clear:
            ids = {"report": found.report, "file": found.id, "task": task}
            ledger.append(tx, "report.file_seen", ids)
    shown = call.haven.hasher.preview(data, CLEAR_SIDE if clear else VEILED_SIDE)
    body = shown if clear else veil(shown)
    return Answer(200, body, "image/jpeg", {"cache-control": "private, no-store"})


def _held(tx: Tx, report: str, staff: str) -> str:
    """Return the task on the case of a report that this member of staff holds, or raise (403)."""
    sql = """SELECT t.id FROM tasks t JOIN reports r ON r.case_id = t.case_id
             WHERE r.id = %(r)s AND t.state = 'claimed' AND t.claimed_by = %(s)s
               AND t.lease_until >= %(now)s LIMIT 1"""
    task = tx.value(sql, r=report, s=staff, now=tx.now)
    if task is None:
        raise Problem("file.not_yours", "Only who works on the matter sees this.", status=403,
                      next_step="Claim the task first.")  # fmt: skip
    return str(task)
