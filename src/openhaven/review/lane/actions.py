"""Verbs of the lane: put a case into it, suspect, and note that it was hidden and sealed."""

from collections.abc import Sequence

from openhaven import evidence, intake, ledger
from openhaven.core import Problem
from openhaven.review.lane.model import HARMS, Why
from openhaven.review.lane.store import events_of, in_lane, left_outside
from openhaven.review.model import DUE
from openhaven.storage import Tx

CHANNEL = "lane"


def enter(tx: Tx, case: str, why: Why) -> bool:
    """Put a case into the lane, with all media that it is about; say whether it was not there.

    Its tasks wait for specialists from now on. What a report brought into the lane and somebody
    who works here suspects as well is hidden now, too.
    """
    sql = """UPDATE cases SET lane_at = coalesce(lane_at, %(now)s), lane_why = %(why)s,
               harm = CASE WHEN harm = ANY(%(harms)s) THEN harm ELSE %(harm)s END
             WHERE id = %(c)s AND (lane_at IS NULL OR lane_why = 'report' AND %(why)s <> 'report')
             RETURNING lane_at = %(now)s AS fresh"""
    changed = tx.rows(sql, now=tx.now, why=why, c=case, harms=list(HARMS), harm=HARMS[0])
    _close_tasks(tx, case)
    _take_media(tx, case)
    if changed:
        ledger.append(tx, f"lane.{why}", {"case": case})
        tx.wake(CHANNEL)
        tx.wake("console")
    return bool(changed)


def grown(tx: Tx, items: Sequence[tuple[str, str]]) -> int:
    """Have what came to lane cases sealed too; `items` are platforms and items. Return how many."""
    sql = """SELECT DISTINCT c.id FROM cases c
             JOIN unnest(%(p)s::text[], %(i)s::text[]) AS n (platform, item)
               ON n.platform = c.platform AND n.item = c.item
             WHERE c.lane_at IS NOT NULL ORDER BY c.id"""
    platforms, ids = [one for one, _ in items], [one for _, one in items]
    found = [str(row["id"]) for row in tx.rows(sql, p=platforms, i=ids)]
    for case in found:
        _take_media(tx, case)
        sql = "UPDATE cases SET sealed_at = NULL WHERE id = %(c)s AND sealed_at IS NOT NULL"
        if tx.run(sql, c=case):
            ledger.append(tx, "lane.grown", {"case": case})
            tx.wake(CHANNEL)
    return len(found)


def catch_up(tx: Tx) -> int:
    """Put up to 50 cases into the lane that were opened before there was one; return how many."""
    found = left_outside(tx, 50)
    for case, why in found.items():
        enter(tx, case, why)
    return len(found)


def _close_tasks(tx: Tx, case: str) -> None:
    """Leave the case's tasks to specialists: whoever else holds one loses it."""
    sql = """UPDATE tasks SET level = 'specialist' WHERE case_id = %(c)s AND level <> 'specialist'
             AND state IN ('open', 'claimed')"""
    tx.run(sql, c=case)
    sql = """UPDATE tasks t SET state = 'open', claimed_by = NULL, lease_until = NULL
             WHERE t.case_id = %(c)s AND t.state = 'claimed' AND NOT EXISTS (
               SELECT 1 FROM staff s WHERE s.id = t.claimed_by AND 'specialist' = ANY (s.roles))"""
    tx.run(sql, c=case)


def _take_media(tx: Tx, case: str) -> None:
    """Note the media of every version, so that each is closed wherever somebody asks for it."""
    ids = set[str]()
    for seq in events_of(tx, case):
        _, event = intake.open_event(tx, seq)
        ids.update(ref.id for ref in (event.item.media if event and event.item else ()))
    sql = """INSERT INTO lane_media (media, case_id)
             SELECT m.id, %(c)s FROM media m JOIN cases c ON c.id = %(c)s
             WHERE m.platform = c.platform AND m.id = ANY(%(ids)s) ON CONFLICT DO NOTHING"""
    tx.run(sql, c=case, ids=sorted(ids))


def suspect(tx: Tx, task: str) -> None:
    """Say of a task that one works on that it may show or be the sexual exploitation of a child.

    From this moment a specialist alone sees it. Raises `Problem`: 404, 409 when the task is not the
    actor's now.
    """
    # First the case, as whoever opens a task on it does: so neither waits for the other in a ring.
    tx.run("""SELECT 1 FROM cases WHERE id = (SELECT case_id FROM tasks WHERE id = %(t)s)
              FOR UPDATE""", t=task)  # fmt: skip
    sql = """SELECT case_id FROM tasks WHERE id = %(t)s AND state = 'claimed'
             AND claimed_by = %(me)s AND lease_until >= %(now)s FOR UPDATE"""
    case = tx.value(sql, t=task, me=tx.actor.id, now=tx.now)
    if case is None:
        raise Problem("task.not_yours", "This task is not yours (any more).", status=409,
                      next_step="Claim it again, then do what you wanted.")  # fmt: skip
    tx.run("""UPDATE tasks SET state = 'open', claimed_by = NULL, lease_until = NULL,
                severity = 4, due_at = least(due_at, %(due)s) WHERE id = %(t)s""",
           t=task, due=tx.now + DUE[4])  # fmt: skip
    enter(tx, str(case), "reviewer")


def quarantined(tx: Tx, case: str) -> None:
    """Note that what a case is about was hidden on the platform, and hold it."""
    sql = "UPDATE cases SET quarantined_at = %(now)s WHERE id = %(c)s AND quarantined_at IS NULL"
    if tx.run(sql, now=tx.now, c=case):
        ledger.append(tx, "lane.quarantined", {"case": case})
    evidence.hold(tx, case, "lane")
    tx.wake(CHANNEL)


def sealed(tx: Tx, case: str) -> None:
    """Note that a sealed copy of everything in the case was made."""
    if not in_lane(tx, case):
        raise Problem("lane.unknown", "There is no such case in the lane.", status=404)
    tx.run("UPDATE cases SET sealed_at = %(now)s WHERE id = %(c)s", now=tx.now, c=case)
    ledger.append(tx, "lane.sealed", {"case": case})
    tx.wake("console")
