"""Verbs of telling: intend a word, ask for longer, tell now, take what is due, store how it went.

The first delay is part of what the second person agrees to with the scope; each one after it takes
a second person again. When nobody renews it, the word goes out.
"""

from datetime import timedelta

import msgspec

from openhaven import ledger
from openhaven.authorities.requests import store
from openhaven.authorities.requests.model import DELAYS, LONGEST_DELAY, Request, Wanted
from openhaven.authorities.requests.permitted import only_handlers
from openhaven.authorities.requests.store import Telling
from openhaven.core import Problem, new_id
from openhaven.staff import approvals
from openhaven.storage import Tx

KIND = "request-delay"
# After each try that failed; then a person tells, by the platform or by post.
PAUSES = (60, 300, 1_800, 7_200, 28_800)


def intend(tx: Tx, found: Request, wanted: Wanted) -> int:
    """Store a word to each person of a scope, due at once or when the delay ends."""
    due = tx.now + timedelta(days=wanted.delay_days)
    for one in dict.fromkeys(wanted.subjects):
        made = new_id("rnt")
        whom = {"platform": one.platform, "account": one.account}
        sealed = tx.keys.seal(store.subject_of(found.id), msgspec.json.encode(whom))
        tx.run(
            """INSERT INTO request_notices (id, request, delay_ground, due_at, next_at, body)
               VALUES (%(id)s, %(r)s, %(g)s, %(due)s, %(due)s, %(body)s)""",
            id=made, r=found.id, g=wanted.delay_ground, due=due, body=sealed,
        )  # fmt: skip
        kind = "request.notice_delayed" if wanted.delay_ground else "request.notice_due"
        ledger.append(tx, kind, {"notice": made, "request": found.id})
    tx.wake("requests")
    return len(wanted.subjects)


def ask_longer(tx: Tx, notice: str, ground: str, days: int, reason: str) -> None:
    """Ask a second person to let a word wait for so many days from now; raises 400, 403, 409."""
    only_handlers(tx)
    found = _waiting(tx, notice)
    if found.longer_until is not None:
        raise Problem("notice.asked", "A second person has been asked already.", status=409,
                      next_step="See it under /console/second.")  # fmt: skip
    until = tx.now + timedelta(days=days)
    if ground not in DELAYS or not 1 <= days <= LONGEST_DELAY or until <= found.due_at:
        raise Problem("notice.until", "To tell later needs a ground and a later day.",
                      f"At most {LONGEST_DELAY} days from now.",
                      next_step="Choose both again.")  # fmt: skip
    sql = """UPDATE request_notices SET longer_until = %(u)s, longer_ground = %(g)s
             WHERE id = %(n)s"""
    tx.run(sql, u=until, g=ground, n=notice)
    approvals.ask(tx, KIND, f"{notice}.{found.renewals}", reason)
    settle(tx)


def _waiting(tx: Tx, notice: str) -> Telling:
    tx.run("SELECT 1 FROM request_notices WHERE id = %(n)s FOR UPDATE", n=notice)
    found = store.telling(tx, notice)
    if found.state not in ("waiting", "by_hand"):
        raise Problem("notice.told", "The person was told already.", status=409,
                      next_step="Go back to the request.")  # fmt: skip
    return found


def settle(tx: Tx) -> int:
    """Put into effect what a second person said about telling later; return how many."""
    sql = """SELECT id FROM request_notices WHERE longer_until IS NOT NULL ORDER BY id
             FOR UPDATE SKIP LOCKED"""
    return sum(_settled(tx, store.telling(tx, str(row["id"]))) for row in tx.rows(sql))


def _settled(tx: Tx, found: Telling) -> bool:
    said = approvals.state_of(tx, KIND, f"{found.id}.{found.renewals}")
    if said == "waiting":
        return False
    agreed = said in ("approved", "alone") and found.state == "waiting"
    sql = """UPDATE request_notices SET renewals = renewals + 1, longer_until = NULL,
               longer_ground = NULL,
               due_at = CASE WHEN %(agreed)s THEN longer_until ELSE due_at END,
               next_at = CASE WHEN %(agreed)s THEN longer_until ELSE next_at END,
               delay_ground = CASE WHEN %(agreed)s THEN longer_ground ELSE delay_ground END
             WHERE id = %(n)s"""
    tx.run(sql, agreed=agreed, n=found.id)
    kind = "request.notice_delayed" if agreed else "request.notice_kept"
    ledger.append(tx, kind, {"notice": found.id, "request": found.request})
    return True


def now(tx: Tx, notice: str) -> None:
    """Let a word go out now; raises `Problem` 403, 409."""
    only_handlers(tx)
    found = _waiting(tx, notice)
    tx.run("""UPDATE request_notices SET state = 'waiting', due_at = least(due_at, %(now)s),
                next_at = %(now)s, attempts = 0 WHERE id = %(n)s""",
           now=tx.now, n=notice)  # fmt: skip
    ledger.append(tx, "request.notice_due", {"notice": notice, "request": found.request})
    tx.wake("requests")


def by_hand(tx: Tx, notice: str) -> None:
    """Note that a person was told in another way, by the platform or by post; raises 403, 409."""
    only_handlers(tx)
    found = _waiting(tx, notice)
    _end(tx, found, "told")


def claim(tx: Tx, lease: timedelta) -> Telling | None:
    """Take the next word that is due, and count the attempt."""
    sql = """UPDATE request_notices SET attempts = attempts + 1, next_at = %(until)s WHERE id = (
               SELECT id FROM request_notices WHERE state = 'waiting' AND next_at <= %(now)s
               ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"""
    found = tx.value(sql, now=tx.now, until=tx.now + lease)
    return None if found is None else store.telling(tx, str(found))


def finish(tx: Tx, found: Telling, state: str, error: str | None) -> None:
    """Store how a word went: `sent`, `erased`, or that it is tried again, or that a person tells.

    What was put off or told in another way meanwhile is left as it is.
    """
    tx.run("SELECT 1 FROM request_notices WHERE id = %(n)s FOR UPDATE", n=found.id)
    if store.telling(tx, found.id).state != "waiting":
        return
    if error is None:
        _end(tx, found, state)
        return
    again = found.attempts <= len(PAUSES) and state != "by_hand"
    wait = timedelta(seconds=PAUSES[min(found.attempts, len(PAUSES)) - 1])
    sql = """UPDATE request_notices SET state = %(state)s, last_error = %(error)s,
               next_at = %(next)s WHERE id = %(n)s"""
    tx.run(sql, state="waiting" if again else "by_hand", error=error,
           next=tx.now + wait if again else None, n=found.id)  # fmt: skip
    if not again:
        ids = {"notice": found.id, "request": found.request}
        ledger.append(tx, "request.notice_by_hand", ids)
        tx.wake("console")


def _end(tx: Tx, found: Telling, state: str) -> None:
    sql = """UPDATE request_notices SET state = %(state)s, ended_at = %(now)s, ended_by = %(by)s,
               next_at = NULL, last_error = NULL WHERE id = %(n)s"""
    tx.run(sql, state=state, now=tx.now, by=str(tx.actor), n=found.id)
    ids = {"notice": found.id, "request": found.request}
    ledger.append(tx, f"request.notice_{state}", ids)
    tx.wake("console")
