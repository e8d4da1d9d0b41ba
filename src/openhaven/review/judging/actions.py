"""Verbs of judging: say what shall happen, take it back for a moment, and hand it to the line."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from openhaven import ledger
from openhaven.core import Problem, new_id
from openhaven.review import quality, wellbeing
from openhaven.review.actions import close_case, lock_case_of, locked, require_may_work
from openhaven.review.model import APPEAL_OUTCOMES, LEASE, REVIEW_OUTCOMES, Given
from openhaven.review.store import names_nobody
from openhaven.review.terms import NO_TERMS, Six, Terms, keep
from openhaven.storage import Tx
from openhaven.storage.settings import Wellbeing


def judge(
    tx: Tx, task: str, *, outcome: str, clause: str, pack: str, facts: str, days: int | None = None,
    undo: timedelta = timedelta(0), limits: Wellbeing = wellbeing.USUAL,
    terms: Terms = NO_TERMS, six: Six | None = None,
) -> str:  # fmt: skip
    """Store what the reviewer says about a task of their own; the line settles it.

    For the time of `undo` it can be taken back, except where a danger of severity 4 is ended.

    `clause` is an anchor of the pack with the fingerprint `pack`; `facts` are one to 5,000
    characters that the person concerned will read; `days` ends a restriction or suspension.
    `limits` say when it has been enough for one person. `terms` is what is said besides the
    outcome, and `six` are the answers that a removal as incitement rests on.
    """
    row = locked(tx, task)
    require_may_work(tx, row)
    facts = facts.strip()
    _require_sense(tx, row, outcome, facts)
    judgement = new_id("jdg")
    tx.run(
        """INSERT INTO judgements (id, task, staff, outcome, clause, pack, days, facts, at, state,
             settle_at)
           VALUES (%(id)s, %(task)s, %(me)s, %(outcome)s, %(clause)s, %(pack)s, %(days)s, %(facts)s,
             %(now)s, %(state)s, %(settle)s)""",
        id=judgement,
        task=task,
        me=tx.actor.id,
        outcome=outcome,
        clause=clause,
        pack=pack,
        days=days,
        facts=facts,
        now=tx.now,
        # From a second look that nobody was told of nothing follows but a number.
        state="settled" if row["kind"] == "check" else "given",
        settle=tx.now + undo if undo and _can_wait(row, outcome) else None,
    )
    keep(tx, judgement, outcome, days, terms, six, row["case_id"])
    sql = """UPDATE tasks SET state = 'done', claimed_by = NULL, lease_until = NULL,
               done_at = %(now)s WHERE id = %(id)s"""
    tx.run(sql, id=task, now=tx.now)
    _bar_from_appeals(tx, row["case_id"])
    wellbeing.count(tx, row["harm"], row["severity"], limits)
    row_of = ("judgements", judgement)
    ledger.append(tx, "judgement.given", {"judgement": judgement, "task": task}, row=row_of)
    tx.wake("judgements")
    tx.wake("console")
    return judgement


def _require_sense(tx: Tx, row: dict[str, Any], outcome: str, facts: str) -> None:
    """Raise `Problem` unless the actor holds the task and says what can be said of it."""
    _require_held(tx, row)
    allowed = APPEAL_OUTCOMES if row["kind"] == "appeal" else REVIEW_OUTCOMES
    if outcome not in allowed:
        raise Problem("judgement.outcome", f"“{outcome}” is no outcome of this task.",
                      next_step="Choose one of: " + ", ".join(allowed))  # fmt: skip
    if outcome in ("warn", "suspend") and row["account"] is None:
        raise Problem("judgement.account", "It is not known whose this is.",
                      next_step="Choose an outcome that is about the item.")  # fmt: skip
    if outcome != "allow" and names_nobody(tx, row["case_id"]):
        raise Problem("judgement.unnamed", "Nobody is named against whom one could act.",
                      next_step="Say below whom it is about; or judge “No action”.")  # fmt: skip
    if not 1 <= len(facts) <= 5_000:
        raise Problem(
            "judgement.facts",
            "Say in a few words what you saw and why it matters.",
            next_step="The person concerned will read it (at most 5,000 characters).",
        )


def _require_held(tx: Tx, row: dict[str, Any]) -> None:
    held = row["state"] == "claimed" and row["claimed_by"] == tx.actor.id
    if not held or row["lease_until"] < tx.now:
        raise Problem(
            "task.not_yours",
            "This task is not yours (any more).",
            status=409,
            next_step="Your text was not lost: claim the task again, then send it.",
        )


def end_own(tx: Tx, task: str) -> str:
    """End a task of one's own without a judgement, since another stands for it; return its case."""
    lock_case_of(tx, task)
    row = locked(tx, task)
    require_may_work(tx, row)
    _require_held(tx, row)
    sql = """UPDATE tasks SET state = 'cancelled', claimed_by = NULL, lease_until = NULL,
               done_at = %(now)s WHERE id = %(id)s"""
    tx.run(sql, id=task, now=tx.now)
    ledger.append(tx, "task.cancelled", {"task": task})
    close_case(tx, row["case_id"])
    tx.wake("console")
    return str(row["case_id"])


def _can_wait(row: dict[str, Any], outcome: str) -> bool:
    """Say whether nobody is worse off when what follows comes half a minute later.

    What ends a danger to life or to a child is done at once, and can be appealed like all else.
    """
    return row["kind"] != "check" and (row["severity"] < 4 or outcome == "allow")


def take_back(tx: Tx, judgement: str) -> str:
    """Take back a judgement of one's own from which nothing has followed yet; return the task.

    The task is the actor's again. Raises `Problem` (409) when its time is over, or when another
    task about the same matter has been opened since, which then stands for this one.
    """
    sql = """SELECT id, task FROM judgements WHERE id = %(j)s AND staff = %(me)s
             AND state = 'given' AND settle_at > %(now)s FOR UPDATE"""
    found = tx.rows(sql, j=judgement, me=tx.actor.id, now=tx.now)
    if not found:
        raise Problem("judgement.settled", "It has taken effect and cannot be taken back here.",
                      status=409, next_step="Open the decision; it can be appealed.")  # fmt: skip
    task = str(found[0]["task"])
    row = locked(tx, task)
    require_may_work(tx, row)
    other = """SELECT 1 FROM tasks WHERE case_id = %(c)s AND id <> %(t)s AND kind = 'review'
               AND state IN ('open', 'claimed')"""
    if row["kind"] == "review" and tx.value(other, c=row["case_id"], t=task):
        raise Problem("judgement.joined", "Something new came in, and there is a new task for it.",
                      status=409, next_step="Judge that one: the last word counts.")  # fmt: skip
    tx.run("UPDATE judgements SET state = 'withdrawn' WHERE id = %(j)s", j=judgement)
    sql = """UPDATE tasks SET state = 'claimed', claimed_by = %(me)s, lease_until = %(until)s,
               done_at = NULL WHERE id = %(t)s"""
    tx.run(sql, me=tx.actor.id, until=tx.now + LEASE, t=task)
    ledger.append(tx, "judgement.withdrawn", {"judgement": judgement, "task": task})
    tx.wake("console")
    return task


def _bar_from_appeals(tx: Tx, case: str) -> None:
    """Keep who has just judged a case from its open appeals; one they had taken goes back."""
    sql = """UPDATE tasks SET barred = array_append(barred, %(me)s),
               state = CASE WHEN claimed_by = %(me)s THEN 'open' ELSE state END,
               lease_until = CASE WHEN claimed_by = %(me)s THEN NULL ELSE lease_until END,
               offered_until = CASE WHEN offered_to = %(me)s THEN NULL ELSE offered_until END,
               offered_to = nullif(offered_to, %(me)s),
               claimed_by = nullif(claimed_by, %(me)s)
             WHERE case_id = %(case)s AND kind = 'appeal' AND state IN ('open', 'claimed')
               AND NOT %(me)s = ANY (barred)"""
    tx.run(sql, me=tx.actor.id, case=case)


def waiting_judgements(tx: Tx, limit: int, but: Sequence[str] = ()) -> list[Given]:
    """Lock judgements that wait to be settled, oldest first, with what they are about.

    Those that may still be taken back are left alone.

    `but` are the ids of those to be left out.
    """
    sql = """SELECT j.id, j.task, j.staff, j.outcome, j.clause, j.pack, j.days, j.facts, j.at,
               j.terms, t.kind, t.case_id, t.appeal, t.event, c.platform, c.item, c.account, c.harm,
               t.reports
             FROM judgements j JOIN tasks t ON t.id = j.task JOIN cases c ON c.id = t.case_id
             WHERE j.state = 'given' AND (j.settle_at IS NULL OR j.settle_at <= %(now)s)
               AND NOT j.id = ANY(%(but)s)
             ORDER BY j.at LIMIT %(limit)s FOR UPDATE OF j SKIP LOCKED"""
    return tx.all(sql, Given, limit=limit, but=list(but), now=tx.now)


def settled(tx: Tx, given: Given, double_review: int = 0) -> None:
    """Mark a judgement as settled, so that the line does not take it up again.

    Of `double_review` in a hundred somebody else is asked as well, who does not know this one.
    """
    tx.run("UPDATE judgements SET state = 'settled' WHERE id = %(id)s", id=given.id)
    quality.sample(tx, given, double_review)
