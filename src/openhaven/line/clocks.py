"""The clocks that rules set on tasks: when one runs out, staff is called."""

from datetime import datetime

from openhaven import review, survivors
from openhaven.core import system
from openhaven.line.haven import Haven

ME = system("clocks")
_CALLS = {2: "task_clock", 3: "task_overdue"}


def run_clocks(haven: Haven, now: datetime | None = None) -> int:
    """Move clocks on at `now` (default: this moment), and call staff in their last part and after.

    Returns 0: nothing waits for another round.
    """
    with haven.db.begin(ME, now) as tx:
        for one in review.run_clocks(tx):
            if one.stage in _CALLS:
                survivors.call_staff(tx, _CALLS[one.stage], one.task)
    return 0
