"""Verbs of clocks: note what is to be called about, take the next call, store how it went."""

from datetime import datetime, timedelta

import msgspec
import structlog

from openhaven import ledger
from openhaven.storage import Tx

log = structlog.get_logger("requests")
# So long after each try that failed; then somebody has to see it: a little more than an hour.
PAUSES = (10, 30, 60, 300, 900, 1_800)
# What each level calls: soon, overdue, overdue for as long again.
LEVELS = ("request", "request_overdue", "request_unanswered")


class Call(msgspec.Struct, frozen=True):
    """A call to one of the list of contacts, on its way."""

    request: str
    number: int
    attempts: int


# Anybody can send what says that a life is in danger. So many of an hour are each called about at
# once; beyond them a call stands for all that came, every few minutes: who is called hundreds of
# times hears none of it. What staff has entered is never held back.
AT_ONCE = 6
APART = timedelta(minutes=5)


def call_contacts(tx: Tx, request: str, number: int, *, public: bool = False) -> None:
    """Intend a call to each of so many contacts, since a life is in danger.

    `public` says that it came through the door for everybody. In a flood the call waits its turn,
    and one that waits already stands for this request as well: after each there is a call, within
    five minutes, and it says how many there are.
    """
    at = _turn(tx) if public else tx.now
    if at is not None:
        sql = """INSERT INTO request_calls (request, number, next_at)
                 SELECT %(r)s, n, %(at)s FROM generate_series(1, %(n)s) AS n
                 ON CONFLICT DO NOTHING"""
        tx.run(sql, r=request, n=number, at=at)
    if at != tx.now:
        log.error("request.life_flood", request=request)
        ledger.append(tx, "request.life_flood", {"request": request})
    called = 0 if at is None else number
    ledger.append(tx, "request.life", {"request": request, "contacts": str(called)})
    tx.wake("requests")


def _turn(tx: Tx) -> datetime | None:
    """Return when the next call is due; None when one waits that nobody has tried."""
    # Who comes second waits here, and then sees what the first has stored.
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended('openhaven.life_calls', 0))")
    sql = """SELECT count(DISTINCT c.request) AS n,
               max(coalesce(c.ended_at, r.received_at)) AS last,
               bool_or(c.state = 'intended' AND c.attempts = 0 AND c.next_at > %(now)s) AS waits
             FROM request_calls c JOIN lawful_requests r ON r.id = c.request
             WHERE r.via = 'door' AND r.received_at > %(now)s - interval '1 hour'"""
    row = tx.rows(sql, now=tx.now)[0]
    if row["n"] < AT_ONCE:
        return tx.now
    return None if row["waits"] else max(tx.now, row["last"] + APART)


def claim(tx: Tx, lease: timedelta) -> Call | None:
    """Take the next call that is due, and count the attempt."""
    sql = """UPDATE request_calls c SET attempts = attempts + 1, next_at = %(until)s
             FROM (SELECT request, number FROM request_calls WHERE state = 'intended'
                     AND next_at <= %(now)s ORDER BY next_at, request, number LIMIT 1
                   FOR UPDATE SKIP LOCKED) AS d
             WHERE c.request = d.request AND c.number = d.number
             RETURNING c.request, c.number, c.attempts"""
    return tx.one(sql, Call, now=tx.now, until=tx.now + lease)


def others(tx: Tx, call: Call) -> int:
    """Return how many other open requests say that a life is in danger."""
    sql = """SELECT count(*) FROM lawful_requests
             WHERE ended_at IS NULL AND life AND id <> %(r)s"""
    return int(tx.value(sql, r=call.request))


def finish(tx: Tx, call: Call, error: str | None) -> bool:
    """Store how a call went; return whether it was given up, so that somebody has to see it."""
    given_up = error is not None and call.attempts > len(PAUSES)
    state = "sent" if error is None else "failed" if given_up else "intended"
    wait = None if state != "intended" else timedelta(seconds=PAUSES[call.attempts - 1])
    sql = """UPDATE request_calls SET state = %(state)s, last_error = %(error)s, next_at = %(next)s,
               ended_at = %(ended)s
             WHERE request = %(r)s AND number = %(n)s AND state = 'intended'"""
    tx.run(sql, state=state, error=error, next=tx.now + wait if wait else None,
           ended=None if wait else tx.now, r=call.request, n=call.number)  # fmt: skip
    if state != "intended":
        ids = {"request": call.request, "number": str(call.number)}
        ledger.append(tx, f"request.call_{state}", ids)
        tx.wake("console")
    return given_up


class _Due(msgspec.Struct, frozen=True):
    id: str
    level: int


def note_due(tx: Tx) -> list[tuple[str, str]]:
    """Raise the level of requests whose clock says so; return kind and id of each call to make.

    Level 1 comes when a quarter of the time is left, 2 at its end, 3 when it is over for as long
    again (a day at most). A life in danger is called about at once, whatever the clock says.
    """
    # Only the rows that change are locked: this runs every few seconds, over all that are open.
    sql = """WITH due AS (
               SELECT r.id, v.level FROM lawful_requests r CROSS JOIN LATERAL (SELECT CASE
                 WHEN %(now)s >= r.due_at + least(r.due_at - r.received_at, interval '1 day') THEN 3
                 WHEN %(now)s >= r.due_at THEN 2
                 WHEN r.life OR %(now)s >= r.due_at - (r.due_at - r.received_at) / 4 THEN 1
                 ELSE 0 END AS level) v
               WHERE r.ended_at IS NULL AND v.level > r.level FOR UPDATE OF r SKIP LOCKED)
             UPDATE lawful_requests r SET level = due.level, called_at = %(now)s FROM due
             WHERE r.id = due.id RETURNING r.id, r.level"""
    raised = tx.all(sql, _Due, now=tx.now)
    for one in raised:
        ids = {"request": one.id, "level": str(one.level)}
        ledger.append(tx, "request.clock_called", ids)
    return [(LEVELS[one.level - 1], one.id) for one in raised] + _unheard(tx)


def _unheard(tx: Tx) -> list[tuple[str, str]]:
    """Return a call for each request of which a contact was given up: staff is called once."""
    sql = """SELECT DISTINCT c.request FROM request_calls c
             JOIN lawful_requests r ON r.id = c.request
             WHERE c.state = 'failed' AND r.ended_at IS NULL
               AND NOT EXISTS (SELECT 1 FROM authority_calls a
                               WHERE a.kind = 'request_unheard' AND a.about = c.request)"""
    found = [str(row["request"]) for row in tx.rows(sql)]
    noted = """INSERT INTO authority_calls (about, kind, at)
               SELECT about, 'request_unheard', %(now)s FROM unnest(%(r)s::text[]) AS about
               ON CONFLICT DO NOTHING"""
    tx.run(noted, now=tx.now, r=found)
    return [("request_unheard", one) for one in found]
