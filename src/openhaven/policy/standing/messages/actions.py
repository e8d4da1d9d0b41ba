"""Verbs on messages to owners of rules: intend, claim, finish."""

from datetime import timedelta

from openhaven import ledger
from openhaven.policy.standing.messages.model import Message, wait_after
from openhaven.storage import Tx


def intend(tx: Tx, fallback: str, address: str) -> None:
    """Store that the owner is to be told of a fall; in the transaction in which the rule falls."""
    tx.run(
        """INSERT INTO rule_messages (fallback, address, state, created_at, next_at)
           VALUES (%(f)s, %(address)s, 'intended', %(now)s, %(now)s)""",
        f=fallback,
        address=address,
        now=tx.now,
    )


def claim(tx: Tx, lease: timedelta) -> Message | None:
    """Take the next message that is due, for the length of `lease`, and count the attempt."""
    sql = """UPDATE rule_messages m SET attempts = attempts + 1, next_at = %(until)s
             FROM rule_fallbacks f
             WHERE f.id = m.fallback AND m.fallback = (
               SELECT fallback FROM rule_messages WHERE state = 'intended' AND next_at <= %(now)s
               ORDER BY next_at, fallback LIMIT 1 FOR UPDATE SKIP LOCKED)
             RETURNING m.fallback, f.rule, f.appeals, f.overturned, m.address, m.attempts"""
    return tx.one(sql, Message, now=tx.now, until=tx.now + lease)


def finish(tx: Tx, message: Message, error: str | None, *, set_up: bool = True) -> None:
    """Store how it went: taken, to be tried again, given up, or with nowhere to send it."""
    wait = wait_after(message.attempts) if set_up and error is not None else None
    state = "skipped" if not set_up else "sent" if error is None else "failed"
    state = "intended" if wait else state
    tx.run(
        """UPDATE rule_messages SET state = %(state)s, last_error = %(error)s, next_at = %(next)s,
             ended_at = %(ended)s WHERE fallback = %(f)s AND state = 'intended'""",
        f=message.fallback,
        state=state,
        error=error,
        next=tx.now + wait if wait else None,
        ended=None if wait else tx.now,
    )
    if wait is None:
        ids = {"fallback": message.fallback, "rule": message.rule}
        ledger.append(tx, f"rule.owner_{state}", ids)
