"""Reading for the watch: matches that nobody was asked about, and watches that have to end."""

import msgspec

from openhaven.storage import Tx
from openhaven.survivors.watch.model import MOST_WAITING, MOST_WRONG


class Unasked(msgspec.Struct, frozen=True):
    """A match of a watch without a task."""

    match: int
    event: int
    harm: str


class Ending(msgspec.Struct, frozen=True):
    """A watch that has to end, and why: `expired`, `harmless` or `too_many`."""

    request: str
    entry: int
    why: str


def unasked(tx: Tx, limit: int = 200) -> list[Unasked]:
    """Return matches of the last day that led to no task, the oldest first."""
    sql = """SELECT m.id AS match, m.event, b.harm FROM bank_matches m JOIN banks b ON b.id = m.bank
             WHERE b.owner = 'survivors' AND m.noted = '' AND m.task IS NULL
               AND m.decision IS NULL AND m.at > %(now)s - interval '1 day'
             ORDER BY m.id LIMIT %(limit)s"""
    return tx.all(sql, Unasked, now=tx.now, limit=limit)


def to_end(tx: Tx) -> list[Ending]:
    """Return the open watches that have to end."""
    sql = """WITH said AS (
               SELECT q.id, q.entry, q.expires_at,
                 count(m.id) FILTER (WHERE j.outcome = 'allow') AS wrong,
                 count(m.id) FILTER (WHERE j.outcome <> 'allow') AS rightly,
                 count(m.id) FILTER (WHERE j.id IS NULL) AS waiting
               FROM survivor_requests q
               LEFT JOIN bank_matches m ON m.entry = q.entry AND m.noted = ''
               LEFT JOIN judgements j ON j.task = m.task AND j.state <> 'withdrawn'
               WHERE q.kind = 'watch' AND q.state = 'open' GROUP BY q.id)
             SELECT id AS request, entry, CASE WHEN expires_at <= %(now)s THEN 'expired'
                 WHEN wrong >= %(wrong)s THEN 'harmless' ELSE 'too_many' END AS why
             FROM said WHERE expires_at <= %(now)s
               OR (rightly = 0 AND (wrong >= %(wrong)s OR waiting >= %(waiting)s))"""
    return tx.all(sql, Ending, now=tx.now, wrong=MOST_WRONG, waiting=MOST_WAITING)


def ended_as_harmless(tx: Tx, bank: str, value: bytes) -> bool:
    """Say whether people found what this hash matches to be not forbidden, within a year."""
    sql = """SELECT 1 FROM survivor_requests q JOIN bank_entries e ON e.id = q.entry
             WHERE e.bank = %(b)s AND sha256(e.value) = sha256(%(v)s) AND q.why = 'harmless'
               AND q.ended_at > %(now)s - interval '365 days' LIMIT 1"""
    return tx.value(sql, b=bank, v=value, now=tx.now) is not None
