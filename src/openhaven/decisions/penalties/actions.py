"""Verbs of penalties: fit a suspension to the ladder, ask a second person, agree or refuse."""

from msgspec.structs import replace

from openhaven import ledger, review
from openhaven.core import Problem, new_id, permits
from openhaven.decisions.model import Draft
from openhaven.decisions.penalties.model import LAPSES, Asked
from openhaven.decisions.penalties.store import asked, said_of, step_for
from openhaven.storage import Tx


def fit(tx: Tx, draft: Draft) -> Draft:
    """Return the draft with a suspension that is no longer than the account's step allows.

    Strikes may have been lifted or have expired since somebody judged: then the milder one holds.
    """
    if draft.outcome != "suspend" or draft.account is None:
        return draft
    step = step_for(tx, draft.platform, draft.account, draft.harm)
    return replace(draft, until=step.cut(draft.until, tx.now))


def asks_second(tx: Tx, given: review.Given, draft: Draft) -> bool:
    """Say whether a judgement has to wait for a second person, and ask for one if so.

    That is when it would end an account for good. It is asked once; whoever agrees lets the
    judgement be settled, and whoever refuses puts the matter before a person again.
    """
    if draft.outcome != "suspend" or fit(tx, draft).until is not None:
        return False
    said = said_of(tx, given.id)
    if said is not None:
        # Without a second person who agreed, it waits again, whoever turned it back.
        return said != "approved" and review.wait(tx, given.id)
    approval = new_id("apr")
    tx.run(
        """INSERT INTO approvals (id, kind, judgement, asked_by, asked_at, lapses_at)
           VALUES (%(id)s, 'termination', %(j)s, %(by)s, %(now)s, %(end)s)""",
        id=approval,
        j=given.id,
        by=given.staff,
        now=tx.now,
        end=tx.now + LAPSES,
    )
    review.wait(tx, given.id)
    ids = {"approval": approval, "judgement": given.id}
    ledger.append(tx, "approval.asked", ids, row=("approvals", approval))
    tx.wake("console")
    return True


def approve(tx: Tx, approval: str) -> None:
    """Agree as a second person: the judgement is settled now.

    Raises `Problem`: 403 for who judged it or may not decide, 409 when it waits no more.
    """
    found = _answerable(tx, approval)
    _answer(tx, found, "approved", "")
    review.go_on(tx, found.judgement)


def refuse(tx: Tx, approval: str, reason: str) -> None:
    """Disagree as a second person, with a reason: somebody else looks at the matter again."""
    reason = reason.strip()
    if not 1 <= len(reason) <= 2_000:
        raise Problem("approval.reason", "Say in a few words why you do not agree.",
                      next_step="Write up to 2,000 characters.")  # fmt: skip
    found = _answerable(tx, approval)
    _answer(tx, found, "refused", reason)
    review.ask_again(tx, found.judgement)


def lapse(tx: Tx) -> int:
    """Put what nobody answered in time before a person again; return how many there were."""
    sql = """SELECT id FROM approvals WHERE state = 'waiting' AND lapses_at <= %(now)s
             ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED"""
    ended = [str(row["id"]) for row in tx.rows(sql, now=tx.now)]
    for approval in ended:
        tx.run("UPDATE approvals SET state = 'lapsed', answered_at = %(now)s WHERE id = %(id)s",
               now=tx.now, id=approval)  # fmt: skip
        judgement = str(tx.value("SELECT judgement FROM approvals WHERE id = %(i)s", i=approval))
        ledger.append(tx, "approval.lapsed", {"approval": approval, "judgement": judgement})
        review.ask_again(tx, judgement)
    return len(ended)


def _answerable(tx: Tx, approval: str) -> Asked:
    """Lock a request that the actor may answer and return it."""
    tx.run("SELECT 1 FROM approvals WHERE id = %(id)s FOR UPDATE", id=approval)
    found = asked(tx, approval)
    if not permits(tx.actor.roles, "decision.second"):
        raise Problem("permission", "Your role does not decide on this.", status=403)
    if tx.actor.id == found.asked_by:
        raise Problem("approval.own", "You judged this yourself, so somebody else must look.",
                      status=403, next_step="Ask a colleague.")  # fmt: skip
    return found


def _answer(tx: Tx, found: Asked, state: str, reason: str) -> None:
    tx.run(
        """UPDATE approvals SET state = %(state)s, answered_by = %(me)s, answered_at = %(now)s,
             reason = nullif(%(reason)s, '')
           WHERE id = %(id)s""",
        state=state,
        me=tx.actor.id,
        now=tx.now,
        reason=reason,
        id=found.id,
    )
    ledger.append(tx, f"approval.{state}", {"approval": found.id, "judgement": found.judgement})
    tx.wake("console")
