"""Verbs of review: open a task, claim it, judge it, reveal a picture, give back what was left."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from openhaven import ledger
from openhaven.core import Permission, Problem, new_id, permits
from openhaven.review.model import APPEAL_DUE, APPEAL_OUTCOMES, DUE, LEASE, REVIEW_OUTCOMES, Given
from openhaven.storage import Tx


def open_task(
    tx: Tx,
    *,
    platform: str,
    item: str | None,
    account: str | None,
    harm: str,
    severity: int,
    queue: str,
    event: int | None,
    sure: bool = True,
    reported: bool = False,
    report: str | None = None,
    within: timedelta | None = None,
) -> str:
    """Ask a person: join the open task on the same matter, or open one; return the task's id.

    Everything about one item (or one account, where there is no item) that is open at the same
    time is one case, so that ten reports make one piece of work. `sure` says that the platform
    itself told whose it is, not only somebody who reports; `reported` that it came as a report, of
    which `report` is the id where it was sent to us. `within` is when it is due, if that is sooner
    than its severity says.
    """
    case = case_for(tx, platform, item, account, harm, sure=sure)
    if report is not None:
        sql = "UPDATE reports SET case_id = %(c)s, state = 'in_review' WHERE id = %(r)s"
        tx.run(sql, c=case, r=report)
    task = new_id("tsk")
    sql = """INSERT INTO tasks AS t (id, case_id, kind, queue, event, severity, reports, opened_at,
               due_at)
             VALUES (%(id)s, %(case)s, 'review', %(queue)s, %(event)s, %(severity)s, %(reports)s,
               %(now)s, %(due)s)
             ON CONFLICT (case_id) WHERE kind = 'review' AND state IN ('open', 'claimed')
             DO UPDATE SET reports = t.reports + excluded.reports,
               severity = greatest(t.severity, excluded.severity),
               due_at = least(t.due_at, excluded.due_at),
               event = CASE WHEN %(sure)s AND EXISTS (SELECT 1 FROM events e WHERE e.seq = t.event
                                                      AND e.kind = 'report.create')
                            THEN excluded.event ELSE t.event END,
               queue = CASE WHEN excluded.severity > t.severity THEN excluded.queue ELSE t.queue END
             RETURNING id"""
    stored = str(
        tx.value(
            sql,
            id=task,
            case=case,
            queue=queue,
            event=event,
            severity=severity,
            reports=int(reported),
            sure=sure,
            now=tx.now,
            due=tx.now + min(within or DUE[severity], DUE[severity]),
        )
    )
    kind = "task.opened" if stored == task else "task.joined"
    ledger.append(tx, kind, {"task": stored, "case": case})
    tx.wake("console")
    return stored


def case_for(
    tx: Tx,
    platform: str,
    item: str | None,
    account: str | None,
    harm: str,
    *,
    sure: bool = True,
) -> str:
    """Return the open case on this item (or account), opening one when there is none.

    Whose the item is, as a report has it (`sure=False`), gives way to what the platform says.
    """
    on = "(platform, item) WHERE state = 'open' AND item IS NOT NULL"
    if item is None:
        on = "(platform, account) WHERE state = 'open' AND item IS NULL"
    sql = f"""INSERT INTO cases AS c (id, platform, item, account, harm, opened_at)
              VALUES (%(id)s, %(p)s, %(item)s, %(account)s, %(harm)s, %(now)s)
              ON CONFLICT {on} DO UPDATE SET account =
                CASE WHEN %(sure)s AND NOT EXISTS (
                       SELECT 1 FROM events e WHERE e.platform = c.platform AND e.item = c.item
                       AND e.account = c.account AND e.kind NOT IN ('report.create', 'item.delete'))
                     THEN coalesce(excluded.account, c.account)
                     ELSE coalesce(c.account, excluded.account) END
              RETURNING id"""  # noqa: S608 (one of two constants)
    values = {"p": platform, "item": item, "account": account, "harm": harm, "now": tx.now}
    return str(tx.value(sql, id=new_id("cas"), sure=sure, **values))


def open_appeal_task(tx: Tx, case: str, appeal: str, event: int | None, severity: int) -> str:
    """Ask another person about an appeal: whoever acted on the case before is barred."""
    sql = """SELECT array(SELECT DISTINCT j.staff FROM judgements j JOIN tasks t ON t.id = j.task
                          WHERE t.case_id = %(case)s
                          UNION SELECT a.answered_by FROM approvals a
                          JOIN judgements j ON j.id = a.judgement JOIN tasks t ON t.id = j.task
                          WHERE t.case_id = %(case)s AND a.answered_by IS NOT NULL)"""
    barred = tx.value(sql, case=case)
    task = new_id("tsk")
    tx.run(
        """INSERT INTO tasks (id, case_id, kind, queue, event, appeal, severity, barred, opened_at,
             due_at)
           VALUES (%(id)s, %(case)s, 'appeal', 'appeals', %(event)s, %(appeal)s, %(severity)s,
             %(barred)s, %(now)s, %(due)s)""",
        id=task,
        case=case,
        event=event,
        appeal=appeal,
        severity=severity,
        barred=barred,
        now=tx.now,
        due=tx.now + APPEAL_DUE,
    )
    ledger.append(tx, "task.opened", {"task": task, "case": case, "appeal": appeal})
    tx.wake("console")
    return task


def cancel_appeal_task(tx: Tx, appeal: str) -> bool:
    """End the task of an appeal that needs no answer any more; say whether nobody had judged it."""
    sql = """UPDATE tasks SET state = 'cancelled', claimed_by = NULL, lease_until = NULL,
               done_at = %(now)s
             WHERE appeal = %(a)s AND state IN ('open', 'claimed') RETURNING id"""
    task = tx.value(sql, a=appeal, now=tx.now)
    if task is not None:
        ledger.append(tx, "task.cancelled", {"task": str(task), "appeal": appeal})
        tx.wake("console")
    return task is not None


def claim(tx: Tx, task: str) -> None:
    """Take a task for half an hour, or renew one's own lease.

    Raises `Problem` 409 when somebody else has it or it is done, and 403 when the actor may not
    work on it: for lack of a role, or because they acted on the case before.
    """
    row = _locked(tx, task)
    _require_may_work(tx, row)
    taken = row["state"] == "claimed" and row["lease_until"] >= tx.now
    if row["state"] in ("done", "cancelled"):
        raise Problem("task.done", "This task is done already.", status=409,
                      next_step="Go back to the queue and take another one.")  # fmt: skip
    if taken and row["claimed_by"] != tx.actor.id:
        raise Problem("task.taken", "Somebody else is working on this task.", status=409,
                      next_step="Go back to the queue and take another one.")  # fmt: skip
    sql = """UPDATE tasks SET state = 'claimed', claimed_by = %(me)s, lease_until = %(until)s
             WHERE id = %(id)s"""
    tx.run(sql, id=task, me=tx.actor.id, until=tx.now + LEASE)
    ledger.append(tx, "task.claimed", {"task": task})
    tx.wake("console")


def release(tx: Tx, task: str) -> None:
    """Give a task of one's own back to the queue."""
    sql = """UPDATE tasks SET state = 'open', claimed_by = NULL, lease_until = NULL
             WHERE id = %(id)s AND state = 'claimed' AND claimed_by = %(me)s"""
    if tx.run(sql, id=task, me=tx.actor.id):
        ledger.append(tx, "task.released", {"task": task})
        tx.wake("console")


def return_leases(tx: Tx) -> int:
    """Put tasks whose lease has ended back into their queue; return how many."""
    sql = """UPDATE tasks SET state = 'open', claimed_by = NULL, lease_until = NULL
             WHERE state = 'claimed' AND lease_until < %(now)s RETURNING id"""
    returned = [str(row["id"]) for row in tx.rows(sql, now=tx.now)]
    for task in returned:
        ledger.append(tx, "task.lease_ended", {"task": task})
    return len(returned)


def judge(
    tx: Tx, task: str, *, outcome: str, clause: str, pack: str, facts: str, days: int | None = None
) -> str:
    """Store what the reviewer says about a task of their own; the line settles it.

    `clause` is an anchor of the pack with the fingerprint `pack`; `facts` are one to 5,000
    characters that the person concerned will read; `days` ends a restriction or suspension.
    """
    row = _locked(tx, task)
    _require_may_work(tx, row)
    if row["state"] != "claimed" or row["claimed_by"] != tx.actor.id:
        raise Problem(
            "task.not_yours",
            "This task is not yours (any more).",
            status=409,
            next_step="Your text was not lost: claim the task again, then send it.",
        )
    allowed = APPEAL_OUTCOMES if row["kind"] == "appeal" else REVIEW_OUTCOMES
    if outcome not in allowed:
        raise Problem("judgement.outcome", f"“{outcome}” is no outcome of this task.",
                      next_step="Choose one of: " + ", ".join(allowed))  # fmt: skip
    if outcome in ("warn", "suspend") and row["account"] is None:
        raise Problem("judgement.account", "It is not known whose this is.",
                      next_step="Choose an outcome that is about the item.")  # fmt: skip
    facts = facts.strip()
    if not 1 <= len(facts) <= 5_000:
        raise Problem(
            "judgement.facts",
            "Say in a few words what you saw and why it matters.",
            next_step="The person concerned will read it (at most 5,000 characters).",
        )
    judgement = new_id("jdg")
    tx.run(
        """INSERT INTO judgements (id, task, staff, outcome, clause, pack, days, facts, at)
           VALUES (%(id)s, %(task)s, %(me)s, %(outcome)s, %(clause)s, %(pack)s, %(days)s, %(facts)s,
             %(now)s)""",
        id=judgement,
        task=task,
        me=tx.actor.id,
        outcome=outcome,
        clause=clause,
        pack=pack,
        days=days,
        facts=facts,
        now=tx.now,
    )
    sql = """UPDATE tasks SET state = 'done', claimed_by = NULL, lease_until = NULL,
               done_at = %(now)s WHERE id = %(id)s"""
    tx.run(sql, id=task, now=tx.now)
    _bar_from_appeals(tx, row["case_id"])
    row_of = ("judgements", judgement)
    ledger.append(tx, "judgement.given", {"judgement": judgement, "task": task}, row=row_of)
    tx.wake("judgements")
    tx.wake("console")
    return judgement


def _bar_from_appeals(tx: Tx, case: str) -> None:
    """Keep who has just judged a case from its open appeals; one they had taken goes back."""
    sql = """UPDATE tasks SET barred = array_append(barred, %(me)s),
               state = CASE WHEN claimed_by = %(me)s THEN 'open' ELSE state END,
               lease_until = CASE WHEN claimed_by = %(me)s THEN NULL ELSE lease_until END,
               claimed_by = nullif(claimed_by, %(me)s)
             WHERE case_id = %(case)s AND kind = 'appeal' AND state IN ('open', 'claimed')
               AND NOT %(me)s = ANY (barred)"""
    tx.run(sql, me=tx.actor.id, case=case)


def waiting_judgements(tx: Tx, limit: int, but: Sequence[str] = ()) -> list[Given]:
    """Lock judgements that wait to be settled, oldest first, with what they are about.

    `but` are the ids of those to be left out.
    """
    sql = """SELECT j.id, j.task, j.staff, j.outcome, j.clause, j.pack, j.days, j.facts, j.at,
               t.kind, t.case_id, t.appeal, t.event, c.platform, c.item, c.account, c.harm,
               t.reports
             FROM judgements j JOIN tasks t ON t.id = j.task JOIN cases c ON c.id = t.case_id
             WHERE j.state = 'given' AND NOT j.id = ANY(%(but)s)
             ORDER BY j.at LIMIT %(limit)s FOR UPDATE OF j SKIP LOCKED"""
    return tx.all(sql, Given, limit=limit, but=list(but))


def settled(tx: Tx, given: Given) -> None:
    """Mark a judgement as settled, so that the line does not take it up again."""
    tx.run("UPDATE judgements SET state = 'settled' WHERE id = %(id)s", id=given.id)


def close_case(tx: Tx, case: str) -> None:
    """Close a case on which no work is left."""
    # First the case itself: whoever opens a task on it now is waited for, and then seen.
    tx.run("SELECT 1 FROM cases WHERE id = %(c)s FOR UPDATE", c=case)
    sql = """UPDATE cases SET state = 'closed', closed_at = %(now)s
             WHERE id = %(c)s AND state = 'open' AND NOT EXISTS (
               SELECT 1 FROM tasks WHERE case_id = %(c)s AND state IN ('open', 'claimed'))"""
    tx.run(sql, c=case, now=tx.now)


def reveal(tx: Tx, media: str, task: str | None) -> str:
    """Record that the actor asks to see a picture clearly; return the id of this viewing fact."""
    if not permits(tx.actor.roles, "media.reveal"):
        raise Problem("permission", "Your role does not show pictures.", status=403)
    if not tx.value("SELECT 1 FROM media WHERE id = %(m)s", m=media):
        raise Problem("media.unknown", "There is no such picture.", status=404)
    reveal_id = new_id("rvl")
    tx.run(
        """INSERT INTO reveals (id, staff, media, task, at)
           VALUES (%(id)s, %(me)s, %(media)s, %(task)s, %(now)s)""",
        id=reveal_id,
        me=tx.actor.id,
        media=media,
        task=task,
        now=tx.now,
    )
    ledger.append(tx, "media.revealed", {"reveal": reveal_id, "media": media})
    return reveal_id


def _locked(tx: Tx, task: str) -> dict[str, Any]:
    sql = """SELECT t.*, c.account FROM tasks t JOIN cases c ON c.id = t.case_id
             WHERE t.id = %(id)s FOR UPDATE OF t"""
    rows = tx.rows(sql, id=task)
    if not rows:
        raise Problem("task.unknown", "There is no such task.", status=404)
    return rows[0]


def _require_may_work(tx: Tx, row: dict[str, Any]) -> None:
    needed: Permission = "appeal.work" if row["kind"] == "appeal" else "task.work"
    if not permits(tx.actor.roles, needed):
        raise Problem("permission", "Your role does not work on this kind of task.", status=403)
    if tx.actor.id in row["barred"]:
        raise Problem(
            "task.barred",
            "You acted on this case before, so somebody else must look.",
            status=403,
            next_step="Go back to the queue and take another one.",
        )
