"""Verbs of permissions taken in need: take, give back, review; and the calls about them."""

from datetime import timedelta

from openhaven import ledger
from openhaven.core import Permission, Problem, new_id, permits
from openhaven.core.permissions import TAKEABLE
from openhaven.staff.glass.model import VERDICTS, WAYS, Call, check_reason
from openhaven.staff.glass.store import subject_of
from openhaven.staff.model import Member
from openhaven.staff.staffing import somebody_else
from openhaven.storage import Tx

CHANNEL = "glass"
_GIVE_UP = 12
_LONGEST_PAUSE = timedelta(hours=1)


def take(tx: Tx, member: Member, permission: Permission, reason: str, length: timedelta) -> str:
    """Give a member a permission that they lack, for a while, and return the id of that.

    Raises `Problem`: 400 without a reason or for what nobody may take, 409 when they have it.
    """
    if permission not in TAKEABLE:
        raise Problem("glass.permission", "This cannot be taken in need.", status=400)
    why = check_reason(reason)
    _lock(tx, member.id)
    if permits(member.roles, permission) or _has(tx, member.id, permission):
        raise Problem("glass.needless", "You may do this already.", status=409)
    made, subject = new_id("gls"), subject_of(member.id)
    tx.run("""INSERT INTO glass_breaks (id, staff, permission, subject, reason, taken_at, ends_at)
              VALUES (%(id)s, %(s)s, %(p)s, %(subject)s, %(why)s, %(now)s, %(ends)s)""",
           id=made, s=member.id, p=permission, subject=subject, now=tx.now, ends=tx.now + length,
           why=tx.keys.seal(subject, why.encode()))  # fmt: skip
    tx.run("""INSERT INTO glass_calls (glass, way, state, next_at)
              SELECT %(g)s, unnest(%(ways)s::text[]), 'intended', %(now)s""",
           g=made, ways=list(WAYS), now=tx.now)  # fmt: skip
    ids = {"glass": made, "staff": member.id, "permission": permission}
    ledger.append(tx, "glass.broken", ids, row=("glass_breaks", made))
    tx.wake(CHANNEL)
    return made


def give_back(tx: Tx, member: Member, made: str) -> None:
    """Give a permission back before its time; nothing when it has ended."""
    sql = """UPDATE glass_breaks SET given_back_at = %(now)s
             WHERE id = %(id)s AND staff = %(s)s AND given_back_at IS NULL AND ends_at > %(now)s"""
    if tx.run(sql, id=made, s=member.id, now=tx.now):
        ledger.append(tx, "glass.given_back", {"glass": made, "staff": member.id})


def review(tx: Tx, member: Member, made: str, verdict: str, remark: str) -> None:
    """Say whether it was right that somebody took a permission; never one's own.

    Where nobody else works here who could, one's own is looked at all the same, and marked so.
    Raises `Problem`: 400 without a verdict or a remark, 403 for one's own, 404, 409 said before.
    """
    if verdict not in VERDICTS:
        raise Problem("glass.verdict", "Say whether it was right.", status=400)
    said = check_reason(remark)
    owner = tx.value("SELECT staff FROM glass_breaks WHERE id = %(id)s FOR UPDATE", id=made)
    if owner is None:
        raise Problem("glass.unknown", "There is nothing of the kind.", status=404)
    alone = owner == member.id
    if alone and somebody_else(tx, member.id, "staff.manage"):
        raise Problem("glass.own", "Somebody else has to look at this.", status=403)
    sql = """UPDATE glass_breaks SET reviewed_by = %(by)s, reviewed_at = %(now)s, verdict = %(v)s,
               remark = %(r)s, alone = %(alone)s WHERE id = %(id)s AND reviewed_at IS NULL"""
    remark_sealed = tx.keys.seal(subject_of(str(owner)), said.encode())
    if not tx.run(sql, by=member.id, now=tx.now, v=verdict, r=remark_sealed, alone=alone, id=made):
        raise Problem("glass.reviewed", "Somebody has looked at this already.", status=409)
    ids = {"glass": made, "staff": str(owner), "reviewer": member.id, "verdict": verdict}
    ledger.append(tx, "glass.reviewed", ids | ({"alone": "yes"} if alone else {}))


def claim_call(tx: Tx, lease: timedelta) -> Call | None:
    """Take the next call that is due, for the length of `lease`, and count the attempt."""
    sql = """UPDATE glass_calls c SET attempts = attempts + 1, next_at = %(until)s
             FROM (SELECT glass, way FROM glass_calls
                   WHERE state = 'intended' AND next_at <= %(now)s
                   ORDER BY next_at, glass, way LIMIT 1 FOR UPDATE SKIP LOCKED) due
             WHERE c.glass = due.glass AND c.way = due.way RETURNING c.glass, c.way, c.attempts"""
    return tx.one(sql, Call, now=tx.now, until=tx.now + lease)


def finish_call(tx: Tx, call: Call, error: str | None, *, set_up: bool) -> None:
    """Store how a call went: taken, to be tried again, given up, or without an address to call."""
    state = "sent" if error is None else "intended" if call.attempts < _GIVE_UP else "failed"
    state = state if set_up else "skipped"
    pause = min(timedelta(seconds=10 * 2**call.attempts), _LONGEST_PAUSE)
    sql = """UPDATE glass_calls SET state = %(state)s, last_error = %(e)s, next_at = %(next)s
             WHERE glass = %(g)s AND way = %(way)s AND state = 'intended'"""
    tx.run(sql, state=state, e=error, g=call.glass, way=call.way,
           next=tx.now + pause if state == "intended" else None)  # fmt: skip
    if state != "intended":
        ledger.append(tx, f"glass.call_{state}", {"glass": call.glass, "way": call.way})


def _has(tx: Tx, staff: str, permission: str) -> bool:
    sql = """SELECT 1 FROM glass_breaks WHERE staff = %(s)s AND permission = %(p)s
               AND ends_at > %(now)s AND given_back_at IS NULL"""
    return tx.value(sql, s=staff, p=permission, now=tx.now) is not None


def _lock(tx: Tx, staff: str) -> None:
    """Let a person's two requests come one after the other."""
    tx.value("SELECT id FROM staff WHERE id = %(s)s FOR UPDATE", s=staff)
