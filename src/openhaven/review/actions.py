"""Verbs of review: open a task, claim it, give it back, and close what is over."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from openhaven import ledger
from openhaven.core import Permission, Problem, new_id
from openhaven.core.permissions import GRANTS
from openhaven.review import lane, order
from openhaven.review.access import may_work, may_work_on
from openhaven.review.clocks.model import Clock
from openhaven.review.model import ALL, APPEAL_DUE, DUE, LEASE, Narrowed
from openhaven.review.reporters import said_before
from openhaven.review.store import next_task
from openhaven.review.wellbeing import require_no_pause
from openhaven.storage import Tx

# Harms for which a specialist for child safety looks.
LANE = lane.HARMS
# Whoever has none of these works on no task at all.
_WORKING: frozenset[Permission] = frozenset({"task.work", "appeal.work", "lane.work"})


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
    reporter: str | None = None,
    trusted: bool = False,
    slow: bool = False,
    language: str = "",
    within: timedelta | None = None,
    clock: Clock | None = None,
    suspected: lane.Why | None = None,
) -> str:
    """Ask a person: join the open task on the same matter, or open one; return the task's id.

    Everything about one item (or one account, where there is no item) that is open at the same time
    is one case, so that ten reports make one piece of work. `sure` says that the platform itself
    told whose it is, not only somebody who reports; `reported` that it came as a report, of which
    `report` is the id where it was sent to us, `reporter` the account that the platform named and
    `trusted` that it is a trusted flagger. `slow` gives it twice the time, since who reports was
    warned for reports without ground. `within` is when it is due, if that is sooner than its
    severity says; `clock` is a legal clock that a rule set; `suspected` brings it into the lane for
    suspected child exploitation, as its harm does. Neither the number of
    reports nor who sent them changes the severity.
    """
    case = case_for(tx, platform, item, account, harm, sure=sure)
    if report is not None:
        sql = "UPDATE reports SET case_id = %(c)s, state = 'in_review' WHERE id = %(r)s"
        tx.run(sql, c=case, r=report)
    task = new_id("tsk")
    sql = """INSERT INTO tasks AS t (id, case_id, kind, queue, event, severity, reports, opened_at,
               due_at, language, share, law_from, law_at, clock_at, level)
             VALUES (%(id)s, %(case)s, 'review', %(queue)s, %(event)s, %(severity)s, %(reports)s,
               %(now)s, %(due)s, %(language)s, %(share)s, %(since)s, %(law)s, %(law)s,
               CASE WHEN %(lane)s THEN 'specialist' ELSE '' END)
             ON CONFLICT (case_id) WHERE kind = 'review' AND state IN ('open', 'claimed')
             DO UPDATE SET reports = t.reports + excluded.reports,
               severity = greatest(t.severity, excluded.severity),
               due_at = least(t.due_at, excluded.due_at),
               share = least(t.share, excluded.share),
               law_from = CASE WHEN t.law_at <= excluded.law_at THEN t.law_from
                               ELSE coalesce(excluded.law_from, t.law_from) END,
               law_at = least(t.law_at, excluded.law_at),
               clock_at = least(t.clock_at, excluded.clock_at),
               language = coalesce(nullif(t.language, ''), excluded.language),
               level = coalesce(nullif(excluded.level, ''), t.level),
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
            due=_due(tx, severity, within, clock, slow=slow),
            since=clock.since if clock else None,
            law=clock.until if clock else None,
            language=language[:35],
            share=_share(tx, platform, reporter, trusted=trusted) if reported else 1.0,
            lane=harm in LANE,
        )
    )
    kind = "task.opened" if stored == task else "task.joined"
    ledger.append(tx, kind, {"task": stored, "case": case})
    _into_lane(tx, case, event, harm, suspected, reported=reported)
    tx.wake("console")
    return stored


def _due(
    tx: Tx, severity: int, within: timedelta | None, clock: Clock | None, *, slow: bool
) -> datetime:
    """Return when a task is due: by its severity, and never after a legal clock."""
    due = tx.now + min(within or DUE[severity], DUE[severity]) * (2 if slow else 1)
    # A clock that was over before anybody could look makes it due at once.
    return due if clock is None else min(due, max(clock.until, tx.now))


def _into_lane(
    tx: Tx, case: str, event: int | None, harm: str, suspected: lane.Why | None, *, reported: bool
) -> None:
    """Put a case into the lane where its harm, a suspicion or an earlier case says so."""
    why = suspected or lane.known_why(tx, case, event)
    if why is None and harm in LANE:
        why = "report" if reported else "rule"
    if why is not None or lane.in_lane(tx, case):
        lane.enter(tx, case, why or "report")


def _share(tx: Tx, platform: str, reporter: str | None, *, trusted: bool) -> float:
    """Return the share of a report (see `order`): what is known of who sent it."""
    if reporter is None:
        return order.share(first=trusted)
    known = said_before(tx, platform, reporter)
    return order.share(first=trusted or known.child, right=known.right, wrong=known.wrong)


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
                          JOIN judgements j ON j.id = a.matter JOIN tasks t ON t.id = j.task
                          WHERE t.case_id = %(case)s AND a.answered_by IS NOT NULL
                          -- Who hid it before it was decided, or carried out an order, and who
                          -- agreed that it is hidden again.
                          UNION SELECT s.id FROM decisions d JOIN staff s
                          ON d.decided_by IN ('staff:' || s.id, 'held:staff:' || s.id)
                          WHERE d.case_id = %(case)s
                          UNION SELECT a.answered_by FROM approvals a
                          JOIN decisions d ON d.id = a.matter
                          WHERE d.case_id = %(case)s AND a.answered_by IS NOT NULL
                          UNION SELECT n.staff FROM task_notes n JOIN tasks t ON t.id = n.task
                          WHERE t.case_id = %(case)s AND n.kind = 'said')"""
    barred = tx.value(sql, case=case)
    task = new_id("tsk")
    tx.run(
        """INSERT INTO tasks (id, case_id, kind, queue, event, appeal, severity, barred, opened_at,
             due_at, level)
           VALUES (%(id)s, %(case)s, 'appeal', 'appeals', %(event)s, %(appeal)s, %(severity)s,
             %(barred)s, %(now)s, %(due)s,
             CASE WHEN EXISTS (SELECT 1 FROM cases WHERE id = %(case)s AND lane_at IS NOT NULL)
                  THEN 'specialist' ELSE '' END)""",
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
    row = locked(tx, task)
    require_may_work(tx, row)
    require_no_pause(tx, row["harm"], row["urgency"])
    taken = row["state"] == "claimed" and row["lease_until"] >= tx.now
    if row["state"] in ("done", "cancelled"):
        raise Problem("task.done", "This task is done already.", status=409,
                      next_step="Go back to the queue and take another one.")  # fmt: skip
    if taken and row["claimed_by"] != tx.actor.id:
        raise Problem("task.taken", "Somebody else is working on this task.", status=409,
                      next_step="Go back to the queue and take another one.")  # fmt: skip
    if row["offered_to"] not in (None, tx.actor.id) and row["offered_until"] > tx.now:
        raise Problem("task.offered", "This task was handed over to somebody else.", status=409,
                      next_step="Take another one; later it is open to all again.")  # fmt: skip
    sql = """UPDATE tasks SET state = 'claimed', claimed_by = %(me)s, lease_until = %(until)s,
               snoozed_until = NULL, offered_to = NULL, offered_until = NULL
             WHERE id = %(id)s"""
    tx.run(sql, id=task, me=tx.actor.id, until=tx.now + LEASE)
    ledger.append(tx, "task.claimed", {"task": task})
    tx.wake("console")


def claim_next(tx: Tx, kinds: Sequence[str], narrowed: Narrowed = ALL) -> str | None:
    """Claim the task whose turn it is for the actor and return its id; None when there is none.

    Several people who ask at once get different tasks.
    """
    found = next_task(tx, tx.actor.id, kinds, narrowed, lock=True)
    if found is not None:
        claim(tx, found)
    return found


def release(tx: Tx, task: str) -> None:
    """Give a task of one's own back to the queue."""
    sql = """UPDATE tasks SET state = 'open', claimed_by = NULL, lease_until = NULL
             WHERE id = %(id)s AND state = 'claimed' AND claimed_by = %(me)s"""
    if tx.run(sql, id=task, me=tx.actor.id):
        ledger.append(tx, "task.released", {"task": task})
        tx.wake("console")


def return_leases(tx: Tx) -> int:
    """Put tasks whose lease has ended back into their queue; return how many.

    So go those of somebody who left, or whose roles work on no task any more.
    """
    sql = """UPDATE tasks t SET state = 'open', claimed_by = NULL, lease_until = NULL
             WHERE t.state = 'claimed' AND (t.lease_until < %(now)s OR NOT EXISTS (
               SELECT 1 FROM staff s WHERE s.id = t.claimed_by AND s.disabled_at IS NULL
               AND s.roles && %(roles)s)) RETURNING t.id"""
    working = [role for role, may in GRANTS.items() if may & _WORKING]
    returned = [str(row["id"]) for row in tx.rows(sql, now=tx.now, roles=working)]
    for task in returned:
        ledger.append(tx, "task.lease_ended", {"task": task})
    return len(returned)


def close_case(tx: Tx, case: str) -> None:
    """Close a case on which no work is left."""
    # First the case itself: whoever opens a task on it now is waited for, and then seen.
    tx.run("SELECT 1 FROM cases WHERE id = %(c)s FOR UPDATE", c=case)
    sql = """UPDATE cases SET state = 'closed', closed_at = %(now)s
             WHERE id = %(c)s AND state = 'open' AND NOT EXISTS (
               SELECT 1 FROM tasks WHERE case_id = %(c)s AND state IN ('open', 'claimed'))"""
    tx.run(sql, c=case, now=tx.now)


def lock_case_of(tx: Tx, task: str) -> None:
    """Lock the case of a task before the task itself, as everybody does who opens one on it.

    Whoever changes both in this order never waits for somebody who waits for them.
    """
    sql = """SELECT 1 FROM cases WHERE id = (SELECT case_id FROM tasks WHERE id = %(t)s)
             FOR UPDATE"""
    tx.run(sql, t=task)


def locked(tx: Tx, task: str) -> dict[str, Any]:
    """Lock a task and return its row; raises `Problem` (404)."""
    sql = """SELECT t.*, c.account, c.harm, c.lane_at FROM tasks t JOIN cases c ON c.id = t.case_id
             WHERE t.id = %(id)s FOR UPDATE OF t"""
    rows = tx.rows(sql, id=task)
    if not rows:
        raise Problem("task.unknown", "There is no such task.", status=404)
    return rows[0]


def require_may_work(tx: Tx, row: dict[str, Any]) -> None:
    """Raise `Problem` (403) unless the actor may work on this task now.

    Roles are read anew: somebody whose role was withdrawn a moment ago works on nothing any more.
    """
    closed = row["lane_at"] is not None
    if not may_work(tx, tx.actor.id, row["kind"], lane=closed):
        raise Problem("permission", "Your role does not work on this kind of task.", status=403)
    if not closed and not may_work_on(tx, tx.actor.id, row["level"]):
        raise Problem("task.level", f"This task waits for a {row['level']} reviewer.", status=403,
                      next_step="Go back to the queue and take another one.")  # fmt: skip
    if tx.actor.id in row["barred"]:
        raise Problem(
            "task.barred",
            "You acted on this case before, so somebody else must look.",
            status=403,
            next_step="Go back to the queue and take another one.",
        )
