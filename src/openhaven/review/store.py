"""Reading the review room: the queue, whose turn it is, one task, and what was said of it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import asdict

from openhaven.core import HARMS, Problem
from openhaven.policy import Pack
from openhaven.review import order
from openhaven.review.access import levels, sees_lane
from openhaven.review.choosing.store import languages
from openhaven.review.model import ALL, Narrowed
from openhaven.review.wellbeing.store import avoided
from openhaven.storage import Tx


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the queue."""

    id: str
    kind: str
    queue: str
    severity: int
    reports: int
    state: str
    barred: list[str]
    claimed_by: str | None
    claimer: str | None
    opened_at: datetime
    due_at: datetime
    harm: str
    platform: str
    item: str | None
    account: str | None
    event_kind: str | None
    rule: str | None
    clause: str | None
    urgency: int = 0
    clock_at: datetime | None = None
    law_from: datetime | None = None
    law_at: datetime | None = None
    language: str = ""
    level: str = ""
    snoozed_until: datetime | None = None
    offered_to: str | None = None
    offered_until: datetime | None = None
    share: float = 1.0

    def title(self, pack: Pack) -> str:
        """The harm in plain words; where that says nothing, the clause that a rule named."""
        if self.harm == "other" and self.clause in pack.clauses:
            return pack.clauses[self.clause].title
        return HARMS[self.harm].words if self.harm in HARMS else self.harm


class Task(Waiting, frozen=True, kw_only=True):
    """A task with its case."""

    case_id: str
    event: int | None
    appeal: str | None
    lease_until: datetime | None
    done_at: datetime | None
    platform_id: str
    private_basis: str | None
    reopens: str | None
    lane_at: datetime | None = None
    lane_why: str | None = None


class Judgement(msgspec.Struct, frozen=True):
    """What a reviewer said about a task."""

    id: str
    staff: str
    outcome: str
    clause: str
    facts: str
    days: int | None
    at: datetime
    state: str
    staff_id: str
    settle_at: datetime | None


_TASK = """SELECT t.id, t.kind, t.queue, t.severity, t.reports, t.state, t.barred, t.claimed_by,
             s.name AS claimer, t.opened_at, t.due_at, c.harm, p.name AS platform, c.item,
             c.account, e.kind AS event_kind, e.verdict #>> '{reasons,0,rule}' AS rule,
             e.verdict #>> '{reasons,0,clause}' AS clause,
             t.language, t.level, t.snoozed_until, t.offered_to, t.offered_until, t.share,
             t.case_id, t.event, t.appeal, t.lease_until, t.done_at, c.platform AS platform_id,
             p.private_basis, t.reopens, t.urgency, t.clock_at,
             t.law_from, t.law_at, c.lane_at, c.lane_why
           FROM tasks t JOIN cases c ON c.id = t.case_id JOIN platforms p ON p.id = c.platform
           LEFT JOIN staff s ON s.id = t.claimed_by LEFT JOIN events e ON e.seq = t.event """
_FIRST = " ORDER BY t.urgency DESC, t.rank, t.id "


# What a queue is narrowed to, as parameters of the same names.
_NARROWED = """ AND (%(queue)s = '' OR t.queue = %(queue)s) AND (%(harm)s = '' OR c.harm = %(harm)s)
  AND (%(language)s = '' OR t.language = %(language)s)
  AND (%(severity)s = 0 OR t.severity = %(severity)s)
  AND (%(clock)s = '' OR t.clock_at IS NOT NULL) """


def queue(
    tx: Tx, narrowed: Narrowed = ALL, limit: int = 100, *, lane: bool = False
) -> list[Waiting]:
    """Return the tasks that wait or are being worked on, in the order of their turn.

    What may be child sexual exploitation is among them with `lane` only.
    """
    sql = _TASK + "WHERE t.state IN ('open', 'claimed') AND (%(lane)s OR c.lane_at IS NULL)"
    sql += _NARROWED + _FIRST
    return tx.all(sql + "LIMIT %(limit)s", Waiting, limit=limit, lane=lane, **asdict(narrowed))


def next_task(
    tx: Tx, staff: str, kinds: Iterable[str], narrowed: Narrowed = ALL, *, lock: bool = False
) -> str | None:
    """Return the task whose turn it is for `staff`, of the `kinds` they may work on.

    Left out is what rests, waits for somebody else, is of a level they have not, or is of a harm
    that they pause from or opted out of. A pause keeps nobody from a task where somebody may be in
    danger, and opting out does not either when nobody else could take it. What is in a language
    that they do not read comes to them only once the moment of its rank is over: until then others
    have time for it, and after that it waits for nobody. `lock` keeps others from getting it.
    """
    away, read = avoided(tx, staff), languages(tx, staff)
    sql = """SELECT t.id FROM tasks t JOIN cases c ON c.id = t.case_id
             WHERE t.state = 'open' AND CASE WHEN c.lane_at IS NULL
                 THEN t.kind = ANY(%(kinds)s) AND t.level = ANY(%(levels)s) ELSE %(lane)s END
               AND NOT %(me)s = ANY (t.barred)
               AND (t.snoozed_until IS NULL OR t.snoozed_until <= %(now)s)
               AND (t.offered_to IS NULL OR t.offered_to = %(me)s OR t.offered_until <= %(now)s)
               AND (t.urgency = 2 OR NOT (%(all)s OR c.harm = ANY(%(paused)s)))
               AND NOT c.harm = ANY(%(opted)s)
               AND (%(any)s OR t.language = '' OR t.urgency > 0 OR t.rank <= %(rank)s
                    OR lower(split_part(t.language, '-', 1)) = ANY(%(read)s))"""
    values = asdict(narrowed) | {
        "me": staff, "kinds": list(kinds), "levels": levels(tx, staff), "now": tx.now,
        "lane": sees_lane(tx, staff),
        "all": away.everything, "paused": list(away.paused), "read": read,
        "any": not read or bool(narrowed.language), "rank": order.rank(tx.now, tx.now, 1),
    }  # fmt: skip
    turn = _FIRST + "LIMIT 1" + " FOR UPDATE OF t SKIP LOCKED" * lock
    found = tx.value(sql + _NARROWED + turn, **values, opted=list(away.opted_out))
    if found is None and away.opted_out and not _others(tx, staff):
        found = tx.value(sql + _NARROWED + " AND t.urgency = 2" + turn, **values, opted=[])
    return None if found is None else str(found)


def _others(tx: Tx, staff: str) -> bool:
    """Say whether somebody else who works on tasks has a living session now."""
    sql = """SELECT 1 FROM staff s JOIN sessions e ON e.staff = s.id WHERE s.id <> %(s)s
             AND s.disabled_at IS NULL AND 'moderator' = ANY (s.roles) AND e.ended_at IS NULL
             AND e.expires_at > %(now)s AND e.seen_at > %(idle)s LIMIT 1"""
    return tx.value(sql, s=staff, now=tx.now, idle=tx.now - timedelta(minutes=30)) is not None


def task(tx: Tx, task_id: str) -> Task:
    """Return a task, or raise `Problem` (404)."""
    found = tx.one(_TASK + "WHERE t.id = %(id)s", Task, id=task_id)
    if found is None:
        raise Problem("task.unknown", "There is no such task.", status=404,
                      next_step="Go back to the queue.")  # fmt: skip
    return found


def judgement_of(tx: Tx, task_id: str) -> Judgement | None:
    """Return what was said about a task, if anything was."""
    sql = """SELECT j.id, s.name AS staff, j.outcome, j.clause, j.facts, j.days, j.at, j.state,
               j.staff AS staff_id, j.settle_at
             FROM judgements j JOIN staff s ON s.id = j.staff
             WHERE j.task = %(t)s AND j.state <> 'withdrawn'"""
    return tx.one(sql, Judgement, t=task_id)


def names_nobody(tx: Tx, case: str) -> bool:
    """Say whether a case is a cry for help in which nobody is named against whom one could act."""
    sql = """SELECT 1 FROM cases c JOIN survivor_items i ON i.request = c.account
             JOIN reports r ON r.id = i.report AND r.case_id = c.id
             WHERE c.id = %(c)s LIMIT 1"""
    return tx.value(sql, c=case) is not None
