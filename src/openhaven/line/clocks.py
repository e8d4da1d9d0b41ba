"""The clocks that rules set on tasks: when one runs out, staff is called."""

from datetime import datetime

from openhaven import review, survivors
from openhaven.core import system
from openhaven.line.haven import Haven
from openhaven.storage import Tx

ME = system("clocks")
_CALLS = {2: "task_clock", 3: "task_overdue"}


def run_clocks(haven: Haven, now: datetime | None = None) -> int:
    """Move clocks on at `now` (default: this moment), and call staff in their last part and after.

    Returns 0: nothing waits for another round.
    """
    with haven.db.begin(ME, now) as tx:
        for one in review.run_clocks(tx):
            if one.stage in _CALLS and not _called_for(tx, one.task):
                survivors.call_staff(tx, _CALLS[one.stage], one.task)
    return 0


def _called_for(tx: Tx, task: str) -> bool:
    """Say whether a request of somebody concerned, with a clock of its own, calls staff anyway."""
    sql = """SELECT 1 FROM tasks t JOIN reports r ON r.case_id = t.case_id
             JOIN survivor_items i ON i.report = r.id
             JOIN survivor_requests q ON q.id = i.request AND q.state = 'open'
             WHERE t.id = %(t)s AND q.due_at IS NOT NULL LIMIT 1"""
    return tx.value(sql, t=task) is not None
