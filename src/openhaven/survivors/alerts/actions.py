"""Verbs of alerts: intend to call staff, claim what is due, store how it went."""

from datetime import datetime, timedelta

from openhaven import ledger
from openhaven.core import new_id
from openhaven.decisions.model import backoff
from openhaven.storage import Tx
from openhaven.survivors.alerts.model import WAYS, Alert

CHANNEL = "alerts"
# Anybody may say that somebody is in danger. Staff is called at once, and then at most so often:
# who is called hundreds of times in an hour hears none of it.
APART = timedelta(minutes=5)


def call_staff(tx: Tx, kind: str, request: str) -> None:
    """Store that staff is to be called about a request, by every way, once for each kind.

    Soon after another call of the kind it waits for its turn, and one that waits already stands for
    this request as well: after each request there is a call, within five minutes.
    """
    # Who comes second waits here, and then sees what the first has stored.
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended('openhaven.staff_alerts', 0))")
    sql = """INSERT INTO staff_alerts (id, kind, request, way, state, created_at, next_at)
             VALUES (%(id)s, %(kind)s, %(r)s, %(way)s, 'intended', %(now)s, %(at)s)
             ON CONFLICT (kind, request, way) DO NOTHING"""
    for way in WAYS:
        at = _turn(tx, kind, way)
        if at is not None:
            tx.run(sql, id=new_id("alr"), kind=kind, r=request, way=way, now=tx.now, at=at)
    ledger.append(tx, f"alert.intended.{kind}", {"request": request})
    tx.wake(CHANNEL)
    tx.wake("console")


def _turn(tx: Tx, kind: str, way: str) -> datetime | None:
    """Return when the next call of this kind is due; None when one waits that nobody has tried."""
    sql = """SELECT bool_or(state = 'intended' AND attempts = 0 AND next_at > %(now)s) AS waits,
               max(coalesce(ended_at, created_at)) AS last
             FROM staff_alerts WHERE kind = %(kind)s AND way = %(way)s
               AND created_at > %(now)s - 2 * %(apart)s"""
    row = tx.rows(sql, kind=kind, way=way, now=tx.now, apart=APART)[0]
    if row["waits"]:
        return None
    return tx.now if row["last"] is None else max(tx.now, row["last"] + APART)


def claim(tx: Tx, lease: timedelta) -> Alert | None:
    """Take the next call that is due, for the length of `lease`, and count the attempt."""
    sql = """UPDATE staff_alerts SET attempts = attempts + 1, next_at = %(until)s WHERE id = (
               SELECT id FROM staff_alerts WHERE state = 'intended' AND next_at <= %(now)s
               ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
             RETURNING id, kind, request, way, attempts"""
    return tx.one(sql, Alert, now=tx.now, until=tx.now + lease)


def finish(tx: Tx, alert: Alert, error: str | None, *, set_up: bool = True) -> None:
    """Store how a call went: taken, to be tried again, given up, or without an address to call."""
    wait = backoff(alert.attempts)
    state = "sent" if error is None else "intended" if set_up and wait else "failed"
    if not set_up:
        state = "skipped"
    sql = """UPDATE staff_alerts SET state = %(state)s, last_error = %(error)s, next_at = %(next)s,
               ended_at = %(ended)s WHERE id = %(id)s AND state = 'intended'"""
    open_ = state == "intended"
    tx.run(sql, id=alert.id, state=state, error=error, ended=None if open_ else tx.now,
           next=tx.now + wait if open_ and wait else None)  # fmt: skip
    if not open_:
        ledger.append(tx, f"alert.{state}", {"alert": alert.id, "request": alert.request})
        tx.wake("console")
