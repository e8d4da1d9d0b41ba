"""The verb of cries that name nobody: say whom one is about."""

import msgspec

from openhaven import ledger, review
from openhaven.core import Problem
from openhaven.intake import Report, ReportSubject
from openhaven.storage import Tx
from openhaven.survivors.actions import report
from openhaven.survivors.model import Threat, category
from openhaven.survivors.unnamed import store
from openhaven.survivors.unnamed.store import Unnamed


def name_them(tx: Tx, task: str, *, account: str = "", item: str = "") -> None:
    """Say of a task of one's own whom or what the cry is about; that becomes a report of its own.

    The task ends, nobody is told that nothing was done, and the request goes on with the new
    report. Raises `Problem`: 400 without a name, 409 when the task is not the actor's or the
    request was taken back.
    """
    if not account and not item:
        raise Problem("request.name", "Say whom or what it is about.",
                      next_step="Give the account, or the post or message.")  # fmt: skip
    found = store.of_case(tx, review.end_own(tx, task))
    plain = None if found is None or found.body is None else tx.keys.open(found.subject, found.body)
    if found is None or plain is None:
        raise Problem("request.ended", "Nobody waits for this any more.", status=409,
                      next_step="It was taken back, or somebody was named already.")  # fmt: skip
    told = msgspec.json.decode(plain, type=Threat)
    kind = category("threat", young=found.young)
    about = ReportSubject(account=account or None, item=item or None)
    named = Report(subject=about, category=kind, text=told.text, contact=told.contact or None)
    report(tx, found.request, found.platform, named)
    _end_unnamed(tx, found)
    ledger.append(tx, "survivor.named", {"request": found.request, "task": task})


def _end_unnamed(tx: Tx, found: Unnamed) -> None:
    """Let go of the report that named nobody: the new one stands for it."""
    tx.run("DELETE FROM survivor_items WHERE report = %(r)s", r=found.report)
    sql = """UPDATE reports SET state = 'closed', body = NULL,
               decided_at = coalesce(decided_at, %(now)s) WHERE id = %(r)s RETURNING subject"""
    for row in tx.rows(sql, r=found.report, now=tx.now):
        tx.keys.destroy(str(row["subject"]))
