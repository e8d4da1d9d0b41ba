"""Reading what belongs to one task: what was reported, how it read before, which pictures."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from openhaven.core import HARMS
from openhaven.intake import Event, Report
from openhaven.storage import Tx

# How long a picture stays clear for the one who asked to see it.
CLEAR = timedelta(minutes=30)


class Told(msgspec.Struct, frozen=True):
    """What a report says, without a word on who sent it."""

    id: str
    category: str
    created_at: datetime
    text: str | None

    @property
    def what(self) -> str:
        """The category in plain words."""
        return HARMS[self.category].words if self.category in HARMS else self.category


class Version(msgspec.Struct, frozen=True):
    """An earlier or later event that carried the same item."""

    seq: int
    kind: str
    received_at: datetime
    outcome: str | None


class Picture(msgspec.Struct, frozen=True):
    """A piece of media, and whether the reader may see it clearly just now."""

    id: str
    type: str
    bytes: int
    unknown: str | None
    deleted_at: datetime | None
    clear: bool


class Clear(msgspec.Struct, frozen=True):
    """How somebody asked to see a picture: `grey` or `colour`, and how many pixels wide at most."""

    rendering: str
    side: int


def reports(tx: Tx, case: str) -> list[Told]:
    """Return what people reported on a case, newest first; who they are stays out of it."""
    sql = """SELECT id, category, created_at, subject, body FROM reports WHERE case_id = %(c)s
             ORDER BY created_at DESC LIMIT 50"""
    rows = tx.rows(sql, c=case)
    tx.keys.load(row["subject"] for row in rows)
    return [Told(r["id"], r["category"], r["created_at"], _words(tx, r)) for r in rows]


def _words(tx: Tx, row: dict[str, Any]) -> str | None:
    plain = None if row["body"] is None else tx.keys.open(row["subject"], row["body"])
    return None if plain is None else msgspec.json.decode(plain, type=Report).text


def versions(tx: Tx, platform: str, item: str) -> list[Version]:
    """Return the events about an item, oldest first, at most 20."""
    sql = """SELECT seq, kind, received_at, outcome FROM
               (SELECT * FROM events WHERE platform = %(p)s AND item = %(i)s
                ORDER BY seq DESC LIMIT 20) AS latest ORDER BY seq"""
    return tx.all(sql, Version, p=platform, i=item)


def pictures(tx: Tx, platform: str, event: Event, staff: str, task_id: str) -> list[Picture]:
    """Return the media of an event, each clear only if `staff` asked to see it on this task."""
    ids = [ref.id for ref in event.item.media] if event.item else []
    sql = """SELECT m.id, m.type, m.bytes, m.unknown, m.deleted_at, EXISTS (
               SELECT 1 FROM reveals r WHERE r.media = m.id AND r.staff = %(me)s
                 AND r.task = %(task)s AND r.at > %(since)s) AS clear
             FROM media m WHERE m.platform = %(p)s AND m.id = ANY(%(ids)s) ORDER BY m.id"""
    since = tx.now - CLEAR
    return tx.all(sql, Picture, p=platform, ids=ids, me=staff, task=task_id, since=since)


def is_clear(tx: Tx, media: str, staff: str) -> Clear | None:
    """Return how `staff` asked to see this picture within the last half hour, None if not."""
    sql = """SELECT rendering, side FROM reveals
             WHERE media = %(m)s AND staff = %(s)s AND at > %(since)s
             ORDER BY at DESC, id DESC LIMIT 1"""
    return tx.one(sql, Clear, m=media, s=staff, since=tx.now - CLEAR)


def seen_by(tx: Tx, task_id: str) -> list[str]:
    """Return who asked to see a picture of this task clearly."""
    sql = """SELECT DISTINCT s.name FROM reveals r JOIN staff s ON s.id = r.staff
             WHERE r.task = %(t)s ORDER BY s.name"""
    return [str(row["name"]) for row in tx.rows(sql, t=task_id)]
