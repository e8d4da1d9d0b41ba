"""Verbs of delivery: claim acts and letters that are due, and store how it went."""

from datetime import timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from openhaven import ledger
from openhaven.core import Problem
from openhaven.decisions.model import NOTICE_HEAD_START, Act, backoff
from openhaven.storage import Tx


def claim_acts(tx: Tx, limit: int, lease: timedelta, each: int = 1_000) -> list[Act]:
    """Take intended acts that are due, for the length of `lease`, and count the attempt.

    The attempt is stored before anything is sent. No platform has more than `each` acts under way,
    so that one that is slow to answer leaves room for the others; who claims waits for others who
    are claiming. An act waits for the one it must come after, but a notice that does not arrive
    holds up a lock-out for ten minutes at the most.
    """
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended('openhaven.claim_acts', 0))")
    sql = """UPDATE acts SET attempts = attempts + 1, lease_until = %(until)s WHERE id IN (
               SELECT due.id FROM platforms p CROSS JOIN LATERAL (
                 SELECT a.id, a.next_at FROM acts a LEFT JOIN acts b ON b.id = a.after
                 WHERE a.platform = p.id AND a.state = 'intended' AND a.next_at <= %(now)s
                   AND (a.lease_until IS NULL OR a.lease_until < %(now)s)
                   AND (b.id IS NULL OR b.state <> 'intended'
                        OR (b.verb = 'notify' AND a.intended_at < %(late)s))
                 ORDER BY a.next_at
                 LIMIT greatest(0, %(each)s - (SELECT count(*) FROM acts u
                   WHERE u.platform = p.id AND u.state = 'intended' AND u.lease_until >= %(now)s))
               ) due ORDER BY due.next_at LIMIT %(limit)s)
             RETURNING id, decision, platform, verb, target, until, reverses, reversible, state,
               attempts, next_at, last_error, intended_at, accepted_at, ended_at, measure, scope"""
    values = {"now": tx.now, "until": tx.now + lease, "late": tx.now - NOTICE_HEAD_START}
    return tx.all(sql, Act, **values, limit=limit, each=each)


def finish_act(tx: Tx, act: Act, result: str, error: str | None) -> None:
    """Store how a delivery went: `accepted`, `done`, `retry` or `failed`, and why."""
    state, next_at = result, None
    if result == "retry":
        wait = backoff(act.attempts)
        state = "failed" if wait is None else "intended"
        next_at = None if wait is None else tx.now + wait
    changed = tx.run(
        """UPDATE acts SET state = %(state)s, lease_until = NULL, last_error = %(error)s,
             next_at = coalesce(%(next)s, next_at),
             accepted_at = CASE WHEN %(state)s IN ('accepted', 'done')
                                THEN coalesce(accepted_at, %(now)s) ELSE accepted_at END,
             ended_at = CASE WHEN %(state)s IN ('done', 'failed') THEN %(now)s ELSE NULL END
           WHERE id = %(id)s AND state = 'intended'""",
        state=state,
        error=error,
        next=next_at,
        now=tx.now,
        id=act.id,
    )
    if changed and state != "intended":
        ledger.append(tx, f"act.{state}", {"act": act.id, "decision": act.decision})
        tx.wake("acts")
        tx.wake("console")


def report_outcome(tx: Tx, act: Act, state: str, reason: str | None) -> None:
    """Store what the platform says became of an act that it had accepted: `done` or `failed`."""
    sql = """UPDATE acts SET state = %(state)s, ended_at = %(now)s, last_error = %(reason)s,
               lease_until = NULL, accepted_at = coalesce(accepted_at, %(now)s)
             WHERE id = %(id)s AND state IN ('intended', 'accepted', 'failed')"""
    if tx.run(sql, state=state, now=tx.now, reason=reason, id=act.id):
        ledger.append(tx, f"act.{state}", {"act": act.id, "decision": act.decision})
        tx.wake("acts")
        tx.wake("console")


def replay_act(tx: Tx, act_id: str) -> None:
    """Try a failed act again from the start, under its own id.

    An effect of a decision that no longer holds is not tried again: what takes it back may have
    arrived already. Raises `Problem` (409) for that and for an act that has not failed.
    """
    # The count does not begin at 0, which would say that the act has certainly never left.
    sql = """UPDATE acts SET state = 'intended', attempts = 1, next_at = %(now)s, ended_at = NULL,
               lease_until = NULL
             WHERE id = %(id)s AND state = 'failed'
               AND (SELECT verbs FROM platforms p WHERE p.id = acts.platform) ? verb
               AND (verb = 'notify' OR reverses IS NOT NULL
                    OR (SELECT state FROM decisions d WHERE d.id = acts.decision) = 'in_force')
             RETURNING decision"""
    made = tx.value(sql, now=tx.now, id=act_id)
    if made is None:
        raise Problem(
            "act.replay",
            "This act cannot be tried again.",
            "It has not failed, its platform cannot carry it out, or its decision holds no more.",
            status=409,
        )
    ledger.append(tx, "act.replayed", {"act": act_id, "decision": str(made)})
    tx.wake("acts")


class Letter(msgspec.Struct, frozen=True):
    """A notice that is to leave by e-mail; the address is opened only to send it."""

    id: str
    audience: str
    subject: str
    body: bytes | None
    platform: str
    account: str | None
    report: str | None
    email_attempts: int
    # What else is to be told to the same person now, so that it is one mail.
    more: tuple["Letter", ...] = ()


def claim_letters(tx: Tx, limit: int, lease: timedelta) -> list[Letter]:
    """Take notices that are due by e-mail, and count the attempt before anything is sent."""
    sql = """UPDATE notices n SET email_attempts = email_attempts + 1, email_next_at = %(until)s
             FROM decisions d WHERE d.id = n.decision AND n.id IN (
               SELECT id FROM notices WHERE email_state = 'intended' AND email_next_at <= %(now)s
               ORDER BY email_next_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
             RETURNING n.id, n.audience, n.subject, n.body, d.platform, d.account, n.report,
               n.email_attempts"""
    claimed = tx.all(sql, Letter, now=tx.now, until=tx.now + lease, limit=limit)
    if limit > 1:
        return claimed
    return [replace(one, more=tuple(_to_the_same(tx, one, lease))) for one in claimed]


def _to_the_same(tx: Tx, first: Letter, lease: timedelta) -> list[Letter]:
    """Take what else is due to the person acted against: many decisions at once are one mail."""
    if first.account is None or first.audience != "account":
        return []
    sql = """UPDATE notices n SET email_attempts = email_attempts + 1, email_next_at = %(until)s
             FROM decisions d WHERE d.id = n.decision AND n.id IN (
               SELECT m.id FROM notices m JOIN decisions e ON e.id = m.decision
               WHERE e.platform = %(p)s AND e.account = %(a)s AND m.audience = 'account'
                 AND m.subject = %(s)s AND m.email_state = 'intended' AND m.email_next_at <= %(now)s
               ORDER BY m.created_at, m.id LIMIT 50 FOR UPDATE OF m SKIP LOCKED)
             RETURNING n.id, n.audience, n.subject, n.body, d.platform, d.account, n.report,
               n.email_attempts"""
    values = {"p": first.platform, "a": first.account, "s": first.subject}
    return tx.all(sql, Letter, **values, now=tx.now, until=tx.now + lease)


def finish_letter(tx: Tx, letter: Letter, error: str | None) -> None:
    """Store how the e-mail went; after hours of failing it is set aside where staff sees it."""
    for other in letter.more:
        finish_letter(tx, other, error)
    wait = backoff(letter.email_attempts)
    values: dict[str, Any] = {"id": letter.id, "now": tx.now, "error": error}
    if error is None:
        sql = """UPDATE notices SET email_state = 'sent', email_sent_at = %(now)s,
                   last_error = %(error)s WHERE id = %(id)s"""
    elif wait is None:
        sql = "UPDATE notices SET email_state = 'failed', last_error = %(error)s WHERE id = %(id)s"
    else:
        sql = (
            "UPDATE notices SET email_next_at = %(next)s, last_error = %(error)s WHERE id = %(id)s"
        )
        values["next"] = tx.now + wait
    tx.run(sql, **values)
    if error is None:
        ledger.append(tx, "notice.sent", {"notice": letter.id})


def replay_letter(tx: Tx, notice_id: str) -> None:
    """Try an e-mail that failed again from the start; raises `Problem` (409) when it has not."""
    sql = """UPDATE notices
             SET email_state = 'intended', email_attempts = 0, email_next_at = %(now)s
             WHERE id = %(id)s AND email_state = 'failed' RETURNING decision"""
    made = tx.value(sql, now=tx.now, id=notice_id)
    if made is None:
        raise Problem("notice.replay", "This e-mail has not failed.", status=409)
    ledger.append(tx, "notice.replayed", {"notice": notice_id, "decision": str(made)})
    tx.wake("notices")
