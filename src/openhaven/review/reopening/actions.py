"""Verbs of reopening: ask whether a decision still stands, decide anew, let the same look again."""

from datetime import timedelta

from openhaven import ledger
from openhaven.review.access import anybody
from openhaven.review.actions import open_task
from openhaven.staff import staffing
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


def decide_anew(tx: Tx, case: str, report: str, heard_by: str) -> str:
    """Open a task about a matter in which wrongly nothing was done, and join the report to it.

    Who judged it before is barred where somebody else works here, and so is who heard the appeal.
    Returns the task's id.
    """
    sql = """SELECT c.platform, c.item, c.account, c.harm, t.severity, t.queue, t.event
             FROM cases c JOIN tasks t ON t.case_id = c.id WHERE c.id = %(c)s
             ORDER BY t.kind = 'review' DESC, t.opened_at LIMIT 1"""
    about = tx.rows(sql, c=case)[0]
    task = open_task(tx, **about, reported=True, report=report)
    tx.run("UPDATE reports SET decided_at = NULL WHERE id = %(r)s", r=report)
    sql = """SELECT DISTINCT j.staff FROM judgements j JOIN tasks t ON t.id = j.task
             WHERE t.case_id = %(c)s"""
    before = sorted({str(row["staff"]) for row in tx.rows(sql, c=case)} | {heard_by})
    if anybody(tx, "task.work", before):
        sql = """UPDATE tasks SET barred = array_remove(barred || %(b)s::text[], claimed_by)
                 WHERE id = %(t)s"""
        tx.run(sql, b=before, t=task)
    return task


def let_same_look_again(tx: Tx) -> int:
    """Let who acted on a case hear its appeal a day later, where nobody else works here.

    Only where the operator says that one or two people work here. Returns how many there were.
    """
    if staffing(tx) == "team":
        return 0
    sql = """SELECT id, barred FROM tasks WHERE kind = 'appeal' AND state = 'open'
               AND same_since IS NULL AND barred <> '{}' AND opened_at <= %(day)s
             ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED"""
    let = 0
    for row in tx.rows(sql, day=tx.now - timedelta(days=1)):
        if anybody(tx, "appeal.work", row["barred"]):
            continue
        tx.run("UPDATE tasks SET same_since = %(now)s, barred = '{}' WHERE id = %(t)s",
               now=tx.now, t=row["id"])  # fmt: skip
        ledger.append(tx, "task.same_person", {"task": str(row["id"])})
        let += 1
    return let
