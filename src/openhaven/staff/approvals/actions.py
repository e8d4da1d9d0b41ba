"""Verbs of two people: ask for a second one, answer, let lapse, blank the words."""

from collections.abc import Iterable
from datetime import timedelta

from openhaven import ledger
from openhaven.core import Problem, new_id, permits
from openhaven.staff.approvals.model import KINDS, Approval, kind_of, said
from openhaven.staff.approvals.store import approval as find
from openhaven.staff.staffing import somebody_else, staffing
from openhaven.storage import Tx


def ask(
    tx: Tx,
    kind: str,
    matter: str,
    reason: str,
    lapses: timedelta | None = None,
    *,
    by: str | None = None,
) -> str:
    """Ask for a second person who agrees to something, and return the request's id.

    `matter` is the id of what it is about, `reason` (one to 2,000 characters) why it is wanted.
    Without an answer it lapses after `lapses` (that of its kind, where none is given). `by` is the
    member of staff who wants it, if that is not the actor. Where nobody else is here who could
    answer, and the operator said so, the request is `alone` at once, and `approved` says yes.
    Raises `Problem`: 403 for who does not work here, 409 when the same waits already.
    """
    rule, words = kind_of(kind), said(reason)
    me = by or (tx.actor.id if tx.actor.kind == "staff" else None)
    if me is None:
        raise Problem("permission", "Only who works here asks a second person.", status=403)
    tx.run(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(n)s, 0))", n=f"approval:{kind}:{matter}"
    )
    sql = "SELECT 1 FROM approvals WHERE kind = %(k)s AND matter = %(m)s AND state = 'waiting'"
    if tx.value(sql, k=kind, m=matter):
        raise Problem("approval.waits", "A second person has been asked already.", status=409,
                      next_step="See it under /console/second.")  # fmt: skip
    alone = staffing(tx) != "team" and not somebody_else(tx, me, rule.permission)
    approval = _insert(tx, kind, matter, words, me, lapses or rule.lapses, alone=alone)
    step = "alone" if alone else "asked"
    ids = {"approval": approval, "matter": matter, "kind": kind}
    ledger.append(tx, f"approval.{step}", ids, row=("approvals", approval))
    tx.wake("console")
    return approval


def _insert(
    tx: Tx, kind: str, matter: str, words: str, by: str, lapses: timedelta, *, alone: bool
) -> str:
    approval = new_id("apr")
    tx.run(
        """INSERT INTO approvals (id, kind, matter, reason, asked_by, asked_at, lapses_at, state,
             answered_at)
           VALUES (%(id)s, %(kind)s, %(matter)s, %(reason)s, %(by)s, %(now)s, %(end)s, %(state)s,
             %(answered)s)""",
        id=approval,
        kind=kind,
        matter=matter,
        reason=tx.keys.seal(approval, words.encode()),
        by=by,
        now=tx.now,
        end=tx.now + lapses,
        state="alone" if alone else "waiting",
        answered=tx.now if alone else None,
    )
    return approval


def answer(tx: Tx, approval: str, yes: bool, reason: str = "") -> Approval:
    """Agree (`yes`) or not, as a second person; return the request as it was asked.

    Who does not agree says why (one to 2,000 characters). What follows is the matter's room's.
    Raises `Problem`: 403 for who asked or whose role does not decide on this, 409 when it waits
    for nobody any more, 404 when there is none.
    """
    tx.run("SELECT 1 FROM approvals WHERE id = %(id)s FOR UPDATE", id=approval)
    found = find(tx, approval)
    if not permits(_roles(tx), KINDS[found.kind].permission):
        raise Problem("permission", "Your role does not decide on this.", status=403)
    if tx.actor.id == found.asked_by:
        raise Problem("approval.own", "You asked for this yourself, so somebody else must look.",
                      status=403, next_step="Ask a colleague.")  # fmt: skip
    if found.state != "waiting" or found.lapses_at <= tx.now:
        raise Problem("approval.answered", "This does not wait for anybody any more.", status=409,
                      next_step="Go back to the list.")  # fmt: skip
    words = said(reason) if not yes or reason.strip() else ""
    _end(tx, found, "approved" if yes else "refused", words)
    return found


def _roles(tx: Tx) -> tuple[str, ...]:
    """Return the actor's roles as they are now: one that was withdrawn a moment ago is gone."""
    sql = "SELECT roles FROM staff WHERE id = %(me)s AND disabled_at IS NULL FOR SHARE"
    found = tx.value(sql, me=tx.actor.id) if tx.actor.kind == "staff" else None
    return tuple(found or ())


def lapse(tx: Tx) -> int:
    """End what nobody answered in time; return how many there were."""
    sql = """SELECT id FROM approvals WHERE state = 'waiting' AND lapses_at <= %(now)s
             ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED"""
    ended = [find(tx, str(row["id"])) for row in tx.rows(sql, now=tx.now)]
    for one in ended:
        _end(tx, one, "lapsed", "")
    return len(ended)


def _end(tx: Tx, found: Approval, state: str, words: str) -> None:
    tx.run(
        """UPDATE approvals SET state = %(state)s, answered_by = %(by)s, answered_at = %(now)s,
             answer = %(answer)s WHERE id = %(id)s""",
        state=state,
        by=None if state == "lapsed" else tx.actor.id,
        now=tx.now,
        answer=tx.keys.seal(found.id, words.encode()) if words else None,
        id=found.id,
    )
    ids = {"approval": found.id, "matter": found.matter, "kind": found.kind}
    ledger.append(tx, f"approval.{state}", ids)
    tx.wake("console")


def forget(tx: Tx, matters: Iterable[str]) -> None:
    """Blank what was said about these matters; one that still waits lapses now."""
    sql = """SELECT id FROM approvals WHERE matter = ANY(%(m)s) ORDER BY id FOR UPDATE"""
    for row in tx.rows(sql, m=list(matters)):
        found = find(tx, str(row["id"]))
        if found.state == "waiting":
            _end(tx, found, "lapsed", "")
        tx.run("UPDATE approvals SET reason = NULL, answer = NULL WHERE id = %(id)s", id=found.id)
        tx.keys.destroy(found.id)
