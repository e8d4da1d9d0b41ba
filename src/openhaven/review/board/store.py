"""Reading what the console shows of all work together: counters, the stream, the platforms."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from openhaven.storage import Tx


class Group(msgspec.Struct, frozen=True):
    """Open tasks that share what a queue may be narrowed by, and how many they are."""

    queue: str
    harm: str
    language: str
    severity: int
    clocked: bool
    appeal: bool
    n: int
    waiting: int
    mine: int
    overdue: int


class Open(msgspec.Struct, frozen=True):
    """What the open tasks may be narrowed by, and how many there are in each queue."""

    queues: dict[str, int]
    harms: list[str]
    languages: list[str]
    severities: list[int]
    clocked: int


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


def groups(tx: Tx, staff: str) -> list[Group]:
    """Return all open tasks in groups, read once for every counter that `staff` sees."""
    sql = """SELECT t.queue, c.harm, t.language, t.severity, t.clock_at IS NOT NULL AS clocked,
               t.kind = 'appeal' AS appeal, count(*) AS n,
               count(*) FILTER (WHERE t.state = 'open') AS waiting,
               count(*) FILTER (WHERE t.claimed_by = %(me)s) AS mine,
               count(*) FILTER (WHERE t.due_at < %(now)s) AS overdue
             FROM tasks t JOIN cases c ON c.id = t.case_id WHERE t.state IN ('open', 'claimed')
             GROUP BY 1, 2, 3, 4, 5, 6"""
    return tx.all(sql, Group, me=staff, now=tx.now)


def kinds_open(found: Sequence[Group]) -> Open:
    """Return what the open tasks may be narrowed by. Pure."""
    queues, clocked = Counter[str](), 0
    for one in found:
        queues[one.queue] += one.n
        clocked += one.n * one.clocked
    return Open(
        queues=dict(sorted(queues.items())),
        harms=sorted({one.harm for one in found}),
        languages=sorted({one.language for one in found} - {""}),
        severities=sorted({one.severity for one in found}, reverse=True),
        clocked=clocked,
    )


def numbers(tx: Tx, found: Sequence[Group]) -> Numbers:
    """Return the counters of these tasks, and how many events wait or were set aside."""
    sql = """SELECT (SELECT count(*) FROM events WHERE state = 'stuck') AS stuck,
               (SELECT count(*) FROM events WHERE state = 'received'
                  AND received_at < %(late)s) AS unread"""
    events = tx.rows(sql, late=tx.now - timedelta(seconds=30))[0]
    return Numbers(
        waiting=sum(one.waiting for one in found),
        mine=sum(one.mine for one in found),
        overdue=sum(one.overdue for one in found),
        appeals=sum(one.n for one in found if one.appeal),
        **events,
    )


def stream(tx: Tx, limit: int = 50, *, lane: bool = False) -> list[Passed]:
    """Return the latest events, newest first, with the ids of the rules that spoke."""
    sql = """SELECT e.seq, p.name AS platform, e.kind, e.received_at, e.state, e.outcome,
               ARRAY(SELECT r ->> 'rule' FROM jsonb_array_elements(
                 coalesce(e.verdict -> 'reasons', '[]')) AS r) AS rules,
               e.verdict ->> 'decision' AS decision, e.verdict ->> 'task' AS task
             FROM events e JOIN platforms p ON p.id = e.platform
             WHERE %(lane)s OR NOT EXISTS (
               SELECT 1 FROM cases c WHERE c.lane_at IS NOT NULL AND c.id IN (
                 SELECT t.case_id FROM tasks t WHERE t.id = e.verdict ->> 'task'
                 UNION ALL
                 SELECT d.case_id FROM decisions d WHERE d.id = e.verdict ->> 'decision'))
             ORDER BY e.seq DESC LIMIT %(limit)s"""
    return tx.all(sql, Passed, limit=limit, lane=lane)


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
