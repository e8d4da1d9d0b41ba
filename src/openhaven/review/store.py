"""Reading the review room: the queue, one task with all that belongs to it, and the live stream."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from openhaven.core import HARMS, Problem
from openhaven.intake import Event, Report
from openhaven.policy import Pack
from openhaven.review.access import levels
from openhaven.review.wellbeing.store import avoided
from openhaven.storage import Tx

# How long a picture stays clear for the one who asked to see it.
CLEAR = timedelta(minutes=30)


class QueueCount(msgspec.Struct, frozen=True):
    """How many tasks wait in one queue."""

    queue: str
    n: int


class Open(msgspec.Struct, frozen=True):
    """What the open tasks may be narrowed by."""

    harms: list[str]
    languages: list[str]


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


class Passed(msgspec.Struct, frozen=True):
    """One line of the stream: what happened and what the rules said of it, without content."""

    seq: int
    platform: str
    kind: str
    received_at: datetime
    state: str
    outcome: str | None
    rules: list[str]
    decision: str | None
    task: str | None


class Numbers(msgspec.Struct, frozen=True):
    """The counters on top of the console."""

    waiting: int
    mine: int
    overdue: int
    appeals: int
    stuck: int
    unread: int


class Told(msgspec.Struct, frozen=True):
    """What a report says, without a word on who sent it."""

    id: str
    category: str
    created_at: datetime
    text: str | None

    @property
    def what(self) -> str:
        """The category in plain words."""
        return HARMS[self.category].words if self.category in HARMS else self.category


class Version(msgspec.Struct, frozen=True):
    """An earlier or later event that carried the same item."""

    seq: int
    kind: str
    received_at: datetime
    outcome: str | None


class Picture(msgspec.Struct, frozen=True):
    """A piece of media, and whether the reader may see it clearly just now."""

    id: str
    type: str
    bytes: int
    unknown: str | None
    deleted_at: datetime | None
    clear: bool


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
             p.private_basis, t.reopens, t.urgency, t.clock_at
           FROM tasks t JOIN cases c ON c.id = t.case_id JOIN platforms p ON p.id = c.platform
           LEFT JOIN staff s ON s.id = t.claimed_by LEFT JOIN events e ON e.seq = t.event """
_FIRST = " ORDER BY t.urgency DESC, t.rank, t.id "


def queue(
    tx: Tx, name: str = "", limit: int = 100, *, harm: str = "", language: str = ""
) -> list[Waiting]:
    """Return the tasks that wait or are being worked on, in the order of their turn.

    `name` narrows to one queue, `harm` to a class, `language` to one; empty means all of them.
    """
    sql = (
        _TASK
        + """WHERE t.state IN ('open', 'claimed') AND (%(q)s = '' OR t.queue = %(q)s)
               AND (%(h)s = '' OR c.harm = %(h)s) AND (%(l)s = '' OR t.language = %(l)s)"""
        + _FIRST
    )
    return tx.all(sql + "LIMIT %(limit)s", Waiting, q=name, h=harm, l=language, limit=limit)


def queues(tx: Tx) -> list[QueueCount]:
    """Return the queues that have work, with how much."""
    sql = """SELECT queue, count(*) AS n FROM tasks WHERE state IN ('open', 'claimed')
             GROUP BY queue ORDER BY queue"""
    return tx.all(sql, QueueCount)


def kinds_open(tx: Tx) -> Open:
    """Return the harms and the languages of which there are open tasks."""
    sql = """SELECT array_agg(DISTINCT c.harm) AS harms,
               array_remove(array_agg(DISTINCT t.language), '') AS languages
             FROM tasks t JOIN cases c ON c.id = t.case_id WHERE t.state IN ('open', 'claimed')"""
    row = tx.rows(sql)[0]
    return Open(sorted(row["harms"] or ()), sorted(row["languages"] or ()))


def next_task(
    tx: Tx, staff: str, kinds: Iterable[str], *, lock: bool = False, queue: str = "",
    harm: str = "", language: str = "",
) -> str | None:  # fmt: skip
    """Return the task whose turn it is for `staff`, of the `kinds` they may work on.

    Left out is what rests, waits for somebody else, is of a level they have not, or is of a harm
    that they pause from or opted out of. A pause keeps nobody from a task where somebody may be in
    danger, and opting out does not either when nobody else could take it. `lock` keeps others from
    getting it.
    """
    away = avoided(tx, staff)
    sql = """SELECT t.id FROM tasks t JOIN cases c ON c.id = t.case_id
             WHERE t.state = 'open' AND t.kind = ANY(%(kinds)s) AND t.level = ANY(%(levels)s)
               AND NOT %(me)s = ANY (t.barred)
               AND (t.snoozed_until IS NULL OR t.snoozed_until <= %(now)s)
               AND (t.offered_to IS NULL OR t.offered_to = %(me)s OR t.offered_until <= %(now)s)
               AND (t.urgency = 2 OR NOT (%(all)s OR c.harm = ANY(%(paused)s)))
               AND NOT c.harm = ANY(%(opted)s)
               AND (%(q)s = '' OR t.queue = %(q)s) AND (%(h)s = '' OR c.harm = %(h)s)
               AND (%(l)s = '' OR t.language = %(l)s)"""
    values = {
        "me": staff, "kinds": list(kinds), "levels": levels(tx, staff), "q": queue, "h": harm,
        "l": language, "all": away.everything, "paused": list(away.paused), "now": tx.now,
    }  # fmt: skip
    turn = _FIRST + "LIMIT 1" + " FOR UPDATE OF t SKIP LOCKED" * lock
    found = tx.value(sql + turn, **values, opted=list(away.opted_out))
    if found is None and away.opted_out and not _others(tx, staff):
        found = tx.value(sql + " AND t.urgency = 2" + turn, **values, opted=[])
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


def numbers(tx: Tx, staff: str) -> Numbers:
    """Return the counters as `staff` sees them."""
    sql = """SELECT count(*) FILTER (WHERE state = 'open') AS waiting,
               count(*) FILTER (WHERE claimed_by = %(me)s) AS mine,
               count(*) FILTER (WHERE due_at < %(now)s) AS overdue,
               count(*) FILTER (WHERE kind = 'appeal') AS appeals,
               (SELECT count(*) FROM events WHERE state = 'stuck') AS stuck,
               (SELECT count(*) FROM events WHERE state = 'received'
                  AND received_at < %(late)s) AS unread
             FROM tasks WHERE state IN ('open', 'claimed')"""
    found = tx.one(sql, Numbers, me=staff, now=tx.now, late=tx.now - timedelta(seconds=30))
    assert found is not None
    return found


def stream(tx: Tx, limit: int = 50) -> list[Passed]:
    """Return the latest events, newest first, with the ids of the rules that spoke."""
    sql = """SELECT e.seq, p.name AS platform, e.kind, e.received_at, e.state, e.outcome,
               ARRAY(SELECT r ->> 'rule' FROM jsonb_array_elements(
                 coalesce(e.verdict -> 'reasons', '[]')) AS r) AS rules,
               e.verdict ->> 'decision' AS decision, e.verdict ->> 'task' AS task
             FROM events e JOIN platforms p ON p.id = e.platform
             ORDER BY e.seq DESC LIMIT %(limit)s"""
    return tx.all(sql, Passed, limit=limit)


def pulse(tx: Tx) -> str:
    """Return a short text that changes whenever the console would look different."""
    sql = """SELECT concat_ws('.',
               (SELECT concat(max(seq), '-', count(*) FILTER (WHERE state = 'received')) FROM
                 (SELECT seq, state FROM events ORDER BY seq DESC LIMIT 50) AS latest),
               (SELECT concat(count(*), '-', max(opened_at), '-', max(lease_until), '-',
                 count(claimed_by), '-', sum(urgency), '-', sum(severity))
                 FROM tasks WHERE state IN ('open', 'claimed')),
               (SELECT count(*) FROM acts WHERE state = 'failed'))"""
    return str(tx.value(sql))


def reports(tx: Tx, case: str) -> list[Told]:
    """Return what people reported on a case, newest first; who they are stays out of it."""
    sql = """SELECT id, category, created_at, subject, body FROM reports WHERE case_id = %(c)s
             ORDER BY created_at DESC LIMIT 50"""
    rows = tx.rows(sql, c=case)
    tx.keys.load(row["subject"] for row in rows)
    return [Told(r["id"], r["category"], r["created_at"], _words(tx, r)) for r in rows]


def _words(tx: Tx, row: dict[str, Any]) -> str | None:
    plain = None if row["body"] is None else tx.keys.open(row["subject"], row["body"])
    return None if plain is None else msgspec.json.decode(plain, type=Report).text


def versions(tx: Tx, platform: str, item: str) -> list[Version]:
    """Return the events about an item, oldest first, at most 20."""
    sql = """SELECT seq, kind, received_at, outcome FROM
               (SELECT * FROM events WHERE platform = %(p)s AND item = %(i)s
                ORDER BY seq DESC LIMIT 20) AS latest ORDER BY seq"""
    return tx.all(sql, Version, p=platform, i=item)


def pictures(tx: Tx, platform: str, event: Event, staff: str, task_id: str) -> list[Picture]:
    """Return the media of an event, each clear only if `staff` asked to see it on this task."""
    ids = [ref.id for ref in event.item.media] if event.item else []
    sql = """SELECT m.id, m.type, m.bytes, m.unknown, m.deleted_at, EXISTS (
               SELECT 1 FROM reveals r WHERE r.media = m.id AND r.staff = %(me)s
                 AND r.task = %(task)s AND r.at > %(since)s) AS clear
             FROM media m WHERE m.platform = %(p)s AND m.id = ANY(%(ids)s) ORDER BY m.id"""
    since = tx.now - CLEAR
    return tx.all(sql, Picture, p=platform, ids=ids, me=staff, task=task_id, since=since)


def is_clear(tx: Tx, media: str, staff: str) -> str | None:
    """Return how `staff` asked to see this picture within the last half hour, None if not."""
    sql = """SELECT rendering FROM reveals WHERE media = %(m)s AND staff = %(s)s AND at > %(since)s
             ORDER BY at DESC, id DESC LIMIT 1"""
    found = tx.value(sql, m=media, s=staff, since=tx.now - CLEAR)
    return None if found is None else str(found)


def judgement_of(tx: Tx, task_id: str) -> Judgement | None:
    """Return what was said about a task, if anything was."""
    sql = """SELECT j.id, s.name AS staff, j.outcome, j.clause, j.facts, j.days, j.at, j.state,
               j.staff AS staff_id, j.settle_at
             FROM judgements j JOIN staff s ON s.id = j.staff
             WHERE j.task = %(t)s AND j.state <> 'withdrawn'"""
    return tx.one(sql, Judgement, t=task_id)


def seen_by(tx: Tx, task_id: str) -> list[str]:
    """Return who asked to see a picture of this task clearly."""
    sql = """SELECT DISTINCT s.name FROM reveals r JOIN staff s ON s.id = r.staff
             WHERE r.task = %(t)s ORDER BY s.name"""
    return [str(row["name"]) for row in tx.rows(sql, t=task_id)]


class PlatformLine(msgspec.Struct, frozen=True):
    """A platform, what it can carry out and undo, and when it was lately heard of."""

    name: str
    connector: str
    verbs: dict[str, bool]
    private_basis: str | None
    keys: int
    heard_at: datetime | None


def platforms(tx: Tx) -> list[PlatformLine]:
    """Return every platform, by name."""
    sql = """SELECT p.name, p.connector, p.verbs, p.private_basis,
               (SELECT count(*) FROM api_keys k WHERE k.platform = p.id AND k.revoked_at IS NULL)
                 AS keys,
               l.heard_at
             FROM platforms p LEFT JOIN (
               SELECT platform, max(received_at) AS heard_at FROM
                 (SELECT platform, received_at FROM events ORDER BY seq DESC LIMIT 10000) AS latest
               GROUP BY platform) AS l ON l.platform = p.id
             ORDER BY p.name"""
    return tx.all(sql, PlatformLine)
