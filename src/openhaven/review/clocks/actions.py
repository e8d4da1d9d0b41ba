"""Verbs of clocks: let those of open tasks run, and say which of them reached a new stage."""

import msgspec

from openhaven import ledger
from openhaven.review.clocks.model import LAST, WORDS, Clock, stage
from openhaven.storage import Tx


class Reached(msgspec.Struct, frozen=True):
    """A task whose clock has come to another stage (1 half over, 2 last part, 3 overdue)."""

    task: str
    stage: int


def run_clocks(tx: Tx, limit: int = 1_000) -> list[Reached]:
    """Move on the clocks of open tasks, in the order of their ends; return those that moved.

    From half of its time on a task counts as grave as any; in the last part, and after its end, it
    comes before all that is not a danger to somebody.
    """
    sql = """SELECT id, law_from, law_at, law_stage FROM tasks
             WHERE state IN ('open', 'claimed') AND law_at IS NOT NULL AND law_stage < 3
               -- Only whose next stage has come, as `stage` says: the others hold up nobody.
               AND %(now)s >= CASE law_stage
                 WHEN 0 THEN to_timestamp(extract(epoch FROM law_at) / 2
                                          + extract(epoch FROM law_from) / 2)
                 WHEN 1 THEN law_at - least(%(last)s, (law_at - law_from) / 4) ELSE law_at END
             ORDER BY law_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED"""
    moved = list[Reached]()
    for row in tx.rows(sql, now=tx.now, last=LAST, limit=limit):
        reached = stage(Clock(row["law_from"], row["law_at"]), tx.now)
        if reached > row["law_stage"]:
            moved.append(Reached(str(row["id"]), reached))
    for one in moved:
        sql = """UPDATE tasks SET law_stage = %(s)s, severity = 4,
                   urgency = greatest(urgency, CASE WHEN %(s)s >= 2 THEN 1 ELSE 0 END)
                 WHERE id = %(t)s"""
        tx.run(sql, t=one.task, s=one.stage)
        ledger.append(tx, f"task.clock_{WORDS[one.stage]}", {"task": one.task})
    if moved:
        tx.wake("console")
    return moved
