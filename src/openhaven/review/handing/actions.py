"""Verbs of handing: to a person, back, to rest, to a senior; ask for and give an opinion."""

from typing import Any

from openhaven import ledger
from openhaven.core import Problem, new_id
from openhaven.review.access import LEVELS, anybody, may_work, may_work_on
from openhaven.review.actions import locked, require_may_work
from openhaven.review.handing.model import OFFERED, Kind, wake_at, words
from openhaven.review.model import APPEAL_OUTCOMES, REVIEW_OUTCOMES
from openhaven.storage import Tx


def hand_over(tx: Tx, task: str, towards: str, note: str) -> None:
    """Give a task of one's own to a colleague (an id), or back to all (empty), with a note.

    The colleague has eight hours to take it. Raises `Problem`: 409 for a task that is not the
    actor's, 403 for a colleague who may not work on it.
    """
    row, text = _own(tx, task), words(note)
    if towards:
        _require_able(tx, row, towards)
    sql = """UPDATE tasks SET state = 'open', claimed_by = NULL, lease_until = NULL,
               offered_to = %(to)s, offered_until = %(until)s WHERE id = %(id)s"""
    tx.run(sql, id=task, to=towards or None, until=tx.now + OFFERED if towards else None)
    _note(tx, row, "handed" if towards else "returned", text, towards=towards or None)
    ids = {"task": task} | ({"staff": towards} if towards else {})
    _tell(tx, "task.handed_over" if towards else "task.returned", ids)


def snooze(tx: Tx, task: str, hours: float, note: str) -> None:
    """Let a task of one's own rest for some hours: at most three days and never past its time."""
    row, text = _own(tx, task), words(note)
    if row["urgency"]:
        raise Problem("task.urgent", "This cannot wait.", status=409,
                      next_step="Judge it, or give it to somebody else.")  # fmt: skip
    until = wake_at(tx.now, hours, row["due_at"], row["clock_at"])
    sql = """UPDATE tasks SET state = 'open', claimed_by = NULL, lease_until = NULL,
               snoozed_until = %(until)s WHERE id = %(id)s"""
    tx.run(sql, id=task, until=until)
    _note(tx, row, "snoozed", text)
    _tell(tx, "task.snoozed", {"task": task})


def escalate(tx: Tx, task: str, level: str, note: str) -> None:
    """Give a task of one's own to senior reviewers or to specialists for child safety, saying why.

    Raises `Problem` (409) when nobody else here has that role.
    """
    row, text = _own(tx, task), words(note)
    if level not in LEVELS:
        raise Problem("task.level", "There is no such level.",
                      next_step="Choose one of: " + ", ".join(LEVELS))  # fmt: skip
    if not anybody(tx, LEVELS[level], but=[tx.actor.id, *row["barred"]]):
        raise Problem("task.nobody", f"Nobody else here is a {level} reviewer.", status=409,
                      next_step="Ask for a second opinion, or hand it to a colleague.")  # fmt: skip
    sql = """UPDATE tasks SET state = 'open', claimed_by = NULL, lease_until = NULL,
               level = %(level)s, barred = CASE WHEN %(me)s = ANY (barred) THEN barred
                 ELSE array_append(barred, %(me)s) END WHERE id = %(id)s"""
    tx.run(sql, id=task, level=level, me=tx.actor.id)
    _note(tx, row, "escalated", text)
    _tell(tx, f"task.escalated_{level}", {"task": task})


def ask_opinion(tx: Tx, task: str, question: str) -> None:
    """Ask colleagues what they think of a task of one's own; it stays one's own."""
    row, text = _own(tx, task), words(question)
    _note(tx, row, "asked", text)
    _tell(tx, "task.opinion_asked", {"task": task})


def say_opinion(tx: Tx, task: str, outcome: str, why: str) -> None:
    """Say what one would do with a colleague's task; whoever has it decides.

    Who gave an opinion looks at no appeal on the case. Raises `Problem`: 409 when nobody asked, the
    actor asked themselves, or it is over; 403 when they may not work on it.
    """
    row, text = locked(tx, task), words(why)
    require_may_work(tx, row)
    sql = """SELECT staff FROM task_notes WHERE task = %(t)s AND kind = 'asked'
             ORDER BY at DESC LIMIT 1"""
    asker = tx.value(sql, t=task)
    if asker in (None, tx.actor.id) or row["state"] not in ("open", "claimed"):
        raise Problem("task.not_asked", "Nobody asks you for an opinion on this.", status=409,
                      next_step="Go back to the queue.")  # fmt: skip
    allowed = APPEAL_OUTCOMES if row["kind"] == "appeal" else REVIEW_OUTCOMES
    if outcome not in allowed:
        raise Problem("judgement.outcome", "Choose what you would do.",
                      next_step="Choose one of: " + ", ".join(allowed))  # fmt: skip
    _note(tx, row, "said", text, outcome=outcome)
    _tell(tx, "task.opinion_given", {"task": task})


def _own(tx: Tx, task: str) -> dict[str, Any]:
    """Lock a task that the actor holds now and return its row; raises `Problem` (409)."""
    row = locked(tx, task)
    require_may_work(tx, row)
    held = row["state"] == "claimed" and row["claimed_by"] == tx.actor.id
    if not held or row["lease_until"] < tx.now:
        raise Problem("task.not_yours", "This task is not yours (any more).", status=409,
                      next_step="Claim it again, then do what you wanted.")  # fmt: skip
    return row


def _require_able(tx: Tx, row: dict[str, Any], towards: str) -> None:
    closed = row["lane_at"] is not None
    able = may_work(tx, towards, row["kind"], lane=closed)
    able = able and (closed or may_work_on(tx, towards, row["level"]))
    if not able or towards == tx.actor.id or towards in row["barred"]:
        raise Problem("task.not_theirs", "This colleague cannot work on this task.", status=403,
                      next_step="Choose somebody from the list.")  # fmt: skip


def _note(
    tx: Tx, row: dict[str, Any], kind: Kind, text: str, *,
    towards: str | None = None, outcome: str | None = None,
) -> None:  # fmt: skip
    subject = f"notes:{row['case_id']}"
    tx.keys.ensure([subject])
    tx.run(
        """INSERT INTO task_notes (id, task, staff, kind, outcome, towards, subject, body, at)
           VALUES (%(id)s, %(task)s, %(me)s, %(kind)s, %(outcome)s, %(towards)s, %(subject)s,
             %(body)s, %(now)s)""",
        id=new_id("tnt"), task=row["id"], me=tx.actor.id, kind=kind, outcome=outcome,
        towards=towards, subject=subject, body=tx.keys.seal(subject, text.encode()), now=tx.now,
    )  # fmt: skip


def _tell(tx: Tx, kind: str, ids: dict[str, str]) -> None:
    ledger.append(tx, kind, ids)
    tx.wake("console")
