"""Verbs of waiting: a judgement waits, goes on, or the matter is put before a person again."""

from openhaven.core import Problem
from openhaven.review.actions import open_task
from openhaven.review.clocks.model import Clock
from openhaven.storage import Tx


def wait(tx: Tx, judgement: str) -> bool:
    """Keep a judgement from being settled; say whether it was about to be."""
    sql = "UPDATE judgements SET state = 'waits' WHERE id = %(j)s AND state = 'given'"
    return tx.run(sql, j=judgement) == 1


def go_on(tx: Tx, judgement: str) -> None:
    """Let a judgement that waits be settled; raises `Problem` (409) when it waits no more."""
    sql = "UPDATE judgements SET state = 'given' WHERE id = %(j)s AND state = 'waits'"
    if not tx.run(sql, j=judgement):
        raise Problem("judgement.ended", "This matter has ended in the meantime.", status=409)
    tx.wake("judgements")


def ask_again(tx: Tx, judgement: str, level: str = "") -> str | None:
    """End a judgement that waits without effect, and open a task for somebody else.

    `level` says whom it takes (see `tasks.level`), where that is not anybody.
    Returns the task's id, or None when the matter has ended in the meantime.
    """
    sql = """UPDATE judgements SET state = 'settled' WHERE id = %(j)s AND state = 'waits'
             RETURNING task, staff"""
    ended = tx.rows(sql, j=judgement)
    if not ended:
        return None
    sql = """SELECT c.platform, c.item, c.account, c.harm, t.severity, t.queue, t.event,
               t.law_from, t.law_at
             FROM tasks t JOIN cases c ON c.id = t.case_id WHERE t.id = %(t)s"""
    about = tx.rows(sql, t=ended[0]["task"])[0]
    since, until = about.pop("law_from"), about.pop("law_at")
    task = open_task(tx, **about, clock=Clock(since, until) if until else None)
    bar = """UPDATE tasks SET barred = array_append(barred, %(s)s)
             WHERE id = %(t)s AND NOT %(s)s = ANY (barred) AND claimed_by IS DISTINCT FROM %(s)s"""
    tx.run(bar, s=ended[0]["staff"], t=task)
    if level:
        tx.run("UPDATE tasks SET level = %(l)s WHERE id = %(t)s AND level = ''", l=level, t=task)
    return task
