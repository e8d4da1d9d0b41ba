"""Reading what a person who reported can appeal against."""

import msgspec

from openhaven.core import Problem
from openhaven.core.words import mark
from openhaven.decisions.model import Decision
from openhaven.storage import Tx


class Reported(msgspec.Struct, frozen=True):
    """A report that was decided, and for whom it is sealed."""

    id: str
    subject: str
    platform: str
    case_id: str | None
    decided: bool


def reported(tx: Tx, receipt: str) -> Reported:
    """Return the report of a receipt code; raises `Problem` (404) for a guess."""
    sql = """SELECT id, subject, platform, case_id, state = 'decided' AS decided FROM reports
             WHERE receipt = %(r)s"""
    found = tx.one(sql, Reported, r=tx.keys.digest(receipt.strip().lower().encode()))
    if found is None:
        raise Problem("report.unknown", mark("There is no report with this receipt code."),
                      status=404,
                      next_step=mark("Check the code; it was shown when the report was sent."),
                      )  # fmt: skip
    return found


def decided_on(tx: Tx, report: Reported) -> Decision | None:
    """Return what was decided last on a report, or None while nothing is."""
    sql = """SELECT * FROM decisions WHERE case_id = %(c)s AND decided_by NOT LIKE 'held:%%'
             ORDER BY decided_at DESC, id DESC LIMIT 1"""
    return tx.one(sql, Decision, c=report.case_id) if report.decided else None
