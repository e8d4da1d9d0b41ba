"""The verb of reopening: ask a person whether an earlier decision still stands."""

from openhaven.review.actions import open_task
from openhaven.storage import Tx

QUEUE = "second-look"


def reopen_task(
    tx: Tx,
    decision: str,
    *,
    platform: str,
    item: str | None,
    account: str | None,
    harm: str,
    severity: int,
    event: int | None,
    case: str,
) -> str:
    """Open a task about an earlier decision (of `case`), or join the open one on the same matter.

    Who judged that case before is barred from it; one who has already claimed it keeps it.
    """
    task = open_task(
        tx, platform=platform, item=item, account=account, harm=harm, severity=severity,
        queue=QUEUE, event=event,
    )  # fmt: skip
    tx.run(
        """UPDATE tasks SET reopens = coalesce(reopens, %(d)s), barred = barred || array(
             SELECT DISTINCT j.staff FROM judgements j JOIN tasks t ON t.id = j.task
             WHERE t.case_id = %(case)s AND NOT j.staff = ANY (tasks.barred)
               AND j.staff IS DISTINCT FROM tasks.claimed_by)
           WHERE id = %(task)s""",
        d=decision, case=case, task=task,
    )  # fmt: skip
    return task
