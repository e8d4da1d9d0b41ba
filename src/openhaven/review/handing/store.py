"""Reading notes on tasks, and to whom a task may be handed."""

from typing import Any

import msgspec

from openhaven.core.permissions import GRANTS
from openhaven.review.access import LEVELS, NEEDED
from openhaven.review.handing.model import Note
from openhaven.storage import Tx


class Colleague(msgspec.Struct, frozen=True):
    """Somebody to whom a task may be handed."""

    id: str
    name: str


def notes(tx: Tx, task: str) -> list[Note]:
    """Return the notes on a task, oldest first, opened."""
    sql = """SELECT n.kind, s.name AS staff, o.name AS towards, n.outcome, n.subject, n.body, n.at
             FROM task_notes n JOIN staff s ON s.id = n.staff
             LEFT JOIN staff o ON o.id = n.towards
             WHERE n.task = %(t)s ORDER BY n.at, n.id LIMIT 100"""
    return [_note(tx, row) for row in tx.rows(sql, t=task)]


def _note(tx: Tx, row: dict[str, Any]) -> Note:
    plain = None if row["body"] is None else tx.keys.open(row["subject"], row["body"])
    text = None if plain is None else plain.decode()
    return Note(row["kind"], row["staff"], row["towards"], row["outcome"], text, row["at"])


def colleagues(tx: Tx, kind: str, level: str, but: list[str]) -> list[Colleague]:
    """Return who could take a task of this kind and level, by name, without the ids in `but`."""
    needed = [NEEDED[kind], *([LEVELS[level]] if level else [])]
    held = [[role for role, may in GRANTS.items() if one in may] for one in needed]
    sql = """SELECT id, name FROM staff WHERE disabled_at IS NULL AND NOT id = ANY(%(but)s)
             AND roles && %(first)s AND roles && %(second)s ORDER BY name LIMIT 100"""
    return tx.all(sql, Colleague, but=but, first=held[0], second=held[-1])


def asked(tx: Tx, staff: str) -> list[str]:
    """Return the open tasks on which somebody else asks for an opinion that nobody gave yet."""
    sql = """SELECT DISTINCT n.task FROM task_notes n JOIN tasks t ON t.id = n.task
             WHERE n.kind = 'asked' AND n.staff <> %(me)s AND t.state IN ('open', 'claimed')
               AND NOT EXISTS (SELECT 1 FROM task_notes o WHERE o.task = n.task
                               AND o.kind = 'said' AND o.at >= n.at)
             ORDER BY n.task LIMIT 50"""
    return [str(row["task"]) for row in tx.rows(sql, me=staff)]
