"""Verbs of clocks: note what is to be called about, take the next call, store how it went."""

from datetime import timedelta

import msgspec

from openhaven import ledger
from openhaven.storage import Tx

# So long after each try that failed; then somebody has to see it: a little more than an hour.
PAUSES = (10, 30, 60, 300, 900, 1_800)
# What each level calls: soon, overdue, overdue for as long again.
LEVELS = ("request", "request_overdue", "request_unanswered")


class Call(msgspec.Struct, frozen=True):
    """A call to one of the list of contacts, on its way."""

    request: str
    number: int
    attempts: int


def call_contacts(tx: Tx, request: str, number: int) -> None:
    """Intend a call to each of so many contacts, since a life is in danger."""
    sql = """INSERT INTO request_calls (request, number, next_at)
             SELECT %(r)s, n, %(now)s FROM generate_series(1, %(n)s) AS n ON CONFLICT DO NOTHING"""
    tx.run(sql, r=request, n=number, now=tx.now)
    ledger.append(tx, "request.life", {"request": request, "contacts": str(number)})
    tx.wake("requests")


def claim(tx: Tx, lease: timedelta) -> Call | None:
    """Take the next call that is due, and count the attempt."""
    sql = """UPDATE request_calls c SET attempts = attempts + 1, next_at = %(until)s
             FROM (SELECT request, number FROM request_calls WHERE state = 'intended'
                     AND next_at <= %(now)s ORDER BY next_at, request, number LIMIT 1
                   FOR UPDATE SKIP LOCKED) AS d
             WHERE c.request = d.request AND c.number = d.number
             RETURNING c.request, c.number, c.attempts"""
    return tx.one(sql, Call, now=tx.now, until=tx.now + lease)


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
    sql = """WITH due AS (
               SELECT id, CASE
                 WHEN %(now)s >= due_at + least(due_at - received_at, interval '1 day') THEN 3
                 WHEN %(now)s >= due_at THEN 2
                 WHEN life OR %(now)s >= due_at - (due_at - received_at) / 4 THEN 1
                 ELSE 0 END AS now_level
               FROM lawful_requests WHERE ended_at IS NULL FOR UPDATE SKIP LOCKED)
             UPDATE lawful_requests r SET level = due.now_level, called_at = %(now)s FROM due
             WHERE r.id = due.id AND due.now_level > r.level RETURNING r.id, r.level"""
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
