"""Verbs of quality: a second look that does not know the first, and answers agreed to be right."""

from typing import Any

from openhaven import ledger
from openhaven.core import Problem, new_id, permits
from openhaven.review.access import NEEDED, anybody, roles_of
from openhaven.review.actions import LANE, locked
from openhaven.review.model import APPEAL_DUE, Given
from openhaven.storage import Tx


def sample(tx: Tx, given: Given, percent: int) -> str | None:
    """Ask somebody else about a part of what was judged, who is not told that it is a second look.

    Which ones is told by a keyed digest, so nobody can know before. What nobody should see without
    need (sexual abuse of children) is never among them. With every second look of a sample, an
    answer that is agreed to be right may be asked as well. Returns the id of the new task.
    """
    if given.kind != "review" or given.harm in LANE or not _chosen(tx, given.id, percent):
        return None
    barred = _acted(tx, given.case_id)
    if not anybody(tx, NEEDED["check"], but=barred):
        return None
    _ask_golden(tx)
    return _open(tx, given.task, barred, judgement=given.id, golden=None)


def _chosen(tx: Tx, judgement: str, percent: int) -> bool:
    number = int.from_bytes(tx.keys.digest(f"second-look:{judgement}".encode())[:4], "big")
    return number % 100 < percent


def _acted(tx: Tx, case: str) -> list[str]:
    sql = """SELECT j.staff FROM judgements j JOIN tasks t ON t.id = j.task WHERE t.case_id = %(c)s
             UNION SELECT n.staff FROM task_notes n JOIN tasks t ON t.id = n.task
             WHERE t.case_id = %(c)s"""
    return [str(row["staff"]) for row in tx.rows(sql, c=case)]


def _ask_golden(tx: Tx) -> None:
    """Ask about the golden answer that was asked for the longest time ago, if one can be asked."""
    sql = """SELECT g.id, g.task, t.case_id FROM golden_answers g JOIN tasks t ON t.id = g.task
             JOIN events e ON e.seq = t.event AND e.body IS NOT NULL
             WHERE g.retired_at IS NULL AND NOT EXISTS (
               SELECT 1 FROM quality_checks q JOIN tasks o ON o.id = q.task
               WHERE q.golden = g.id AND o.state IN ('open', 'claimed'))
             ORDER BY (SELECT max(q.opened_at) FROM quality_checks q WHERE q.golden = g.id)
               NULLS FIRST, g.id LIMIT 1"""
    for row in tx.rows(sql):
        barred = _acted(tx, row["case_id"])
        if anybody(tx, NEEDED["check"], but=barred):
            _open(tx, row["task"], barred, judgement=None, golden=row["id"])


def _open(tx: Tx, of: str, barred: list[str], *, judgement: str | None, golden: str | None) -> str:
    task = new_id("tsk")
    sql = """INSERT INTO tasks (id, case_id, kind, queue, event, severity, reports, barred,
               opened_at, due_at, language, level)
             SELECT %(id)s, case_id, 'check', queue, event, severity, reports, %(barred)s, %(now)s,
               %(due)s, language, level FROM tasks WHERE id = %(of)s"""
    tx.run(sql, id=task, of=of, barred=barred, now=tx.now, due=tx.now + APPEAL_DUE)
    sql = """INSERT INTO quality_checks (task, judgement, golden, opened_at)
             VALUES (%(t)s, %(j)s, %(g)s, %(now)s)"""
    tx.run(sql, t=task, j=judgement, g=golden, now=tx.now)
    ledger.append(tx, "task.opened", {"task": task})
    tx.wake("console")
    return task


def agree(tx: Tx, task: str) -> str:
    """Say that what was judged on a task is right and may be asked of others; return the answer.

    Raises `Problem`: 403 without the permission, 409 for a task that was not judged so.
    """
    _require_edit(tx)
    row = locked(tx, task)
    said = _said(tx, row)
    golden = new_id("gld")
    sql = """INSERT INTO golden_answers (id, task, outcome, clause, set_by, at)
             VALUES (%(id)s, %(t)s, %(outcome)s, %(clause)s, %(me)s, %(now)s)
             ON CONFLICT (task) WHERE retired_at IS NULL DO NOTHING"""
    if tx.run(sql, id=golden, t=task, me=tx.actor.id, now=tx.now, **said):
        ledger.append(tx, "golden.agreed", {"golden": golden, "task": task})
    return golden


def _said(tx: Tx, row: dict[str, Any]) -> dict[str, Any]:
    sql = """SELECT outcome, clause FROM judgements WHERE task = %(t)s AND state = 'settled'"""
    found = tx.rows(sql, t=row["id"])
    if row["kind"] != "review" or row["harm"] in LANE or not found:
        raise Problem("golden.task", "Only what has taken effect can be asked of others.",
                      status=409, next_step="Wait until it has, or choose another.")  # fmt: skip
    return found[0]


def retire(tx: Tx, golden: str) -> None:
    """Ask no more about an answer; what was answered so far stays."""
    _require_edit(tx)
    sql = """UPDATE golden_answers SET retired_at = %(now)s
             WHERE id = %(g)s AND retired_at IS NULL"""
    if tx.run(sql, g=golden, now=tx.now):
        ledger.append(tx, "golden.retired", {"golden": golden})


def _require_edit(tx: Tx) -> None:
    if not permits(roles_of(tx, tx.actor.id), "quality.edit"):
        raise Problem("permission", "Your role does not say which answers are right.", status=403)
