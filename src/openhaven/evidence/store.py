"""Reading evidence: items, custody, holds, and who was shown what."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from openhaven.core import Problem
from openhaven.evidence.model import Check, Custody, Hold, Item, Look, Viewing
from openhaven.storage import Tx

_ITEM = """SELECT i.id, i.case_id, i.kind, i.sha256, i.md5, i.bytes, i.media_type, i.method, i.tool,
             i.blob, i.sealed_bytes, i.received_at, i.received_by, i.media, i.parent,
             i.destroyed_at, i.removed_at, i.about, c.lane_at IS NOT NULL AS exploitation
           FROM evidence_items i JOIN cases c ON c.id = i.case_id """


class About(msgspec.Struct, frozen=True):
    """What names an item in a person's words, sealed for it."""

    name: str
    source: str


def items(tx: Tx, case: str) -> list[Item]:
    """Return the items of a case, oldest first, with those that were destroyed."""
    return _items(tx, _ITEM + "WHERE i.case_id = %(c)s ORDER BY i.received_at, i.id", c=case)


def item(tx: Tx, item_id: str) -> Item:
    """Return an item, or raise `Problem` (404)."""
    found = _items(tx, _ITEM + "WHERE i.id = %(i)s", i=item_id)
    if not found:
        raise Problem("evidence.unknown", "There is no such item.", status=404,
                      next_step="Look on the page of its case.")  # fmt: skip
    return found[0]


def copy_of(tx: Tx, case: str, media: str) -> Item | None:
    """Return the living sealed copy of a platform's media in a case, None without one."""
    found = _items(tx, _ITEM + """WHERE i.case_id = %(c)s AND i.media = %(m)s
                                    AND i.destroyed_at IS NULL ORDER BY i.id LIMIT 1""",
                   c=case, m=media)  # fmt: skip
    return found[0] if found else None


def _items(tx: Tx, sql: str, **params: object) -> list[Item]:
    rows = tx.rows(sql, **params)
    tx.keys.load(subject_of(str(row["id"])) for row in rows)
    return [_item(tx, row) for row in rows]


def _item(tx: Tx, row: dict[str, Any]) -> Item:
    about = row.pop("about")
    plain = None if about is None else tx.keys.open(subject_of(row["id"]), about)
    said = About("", "") if plain is None else msgspec.json.decode(plain, type=About)
    return Item(**row, name=said.name, source=said.source)


def subject_of(item_id: str) -> str:
    """Return the subject that an item's name and source are sealed for."""
    return f"evidence:{item_id}"


def custody(tx: Tx, item_id: str) -> list[Custody]:
    """Return every touch of an item, oldest first, with the id of its ledger entry."""
    return _custody(tx, [item_id])


def custody_of_case(tx: Tx, case: str) -> list[Custody]:
    """Return every touch of the items of a case, oldest first."""
    sql = "SELECT id FROM evidence_items WHERE case_id = %(c)s"
    return _custody(tx, [str(row["id"]) for row in tx.rows(sql, c=case)])


def _custody(tx: Tx, ids: Sequence[str]) -> list[Custody]:
    sql = """SELECT c.id, c.item, c.kind, c.purpose, c.actor, c.at, c.rendering, c.whole, c.exif,
               c.reference, l.id AS entry
             FROM custody_events c
             LEFT JOIN ledger_entries l ON l.row_table = 'custody_events' AND l.row_id = c.id
             WHERE c.item = ANY(%(ids)s) ORDER BY c.at, c.id"""
    return tx.all(sql, Custody, ids=list(ids))


def viewing_facts(tx: Tx, items: Iterable[Item | str]) -> dict[str, Viewing]:
    """Return, for each item by its id, who was shown it; the only source of "viewed" statements.

    A look counts when the picture was handed out. It may have been before the sealed copy was
    made: what reviewers were shown of the same media on the platform's case counts as well.
    """
    ids = [one if isinstance(one, str) else one.id for one in items]
    sql = """SELECT c.item, c.actor AS staff, c.at, c.rendering, c.whole, c.exif
             FROM custody_events c WHERE c.kind = 'viewed' AND c.item = ANY(%(ids)s)
             UNION ALL
             SELECT i.id, 'staff:' || r.staff, r.shown_at, r.rendering, r.whole, r.exif
             FROM evidence_items i JOIN reveals r ON r.media = i.media
             WHERE i.id = ANY(%(ids)s) AND r.shown_at IS NOT NULL
             ORDER BY 3"""
    looks: dict[str, list[Look]] = defaultdict(list)
    for row in tx.rows(sql, ids=ids):
        looks[str(row.pop("item"))].append(Look(**row))
    return {one: Viewing(one, tuple(looks[one])) for one in ids}


def blobs(tx: Tx) -> set[str]:
    """Return the names of all files that belong to an item."""
    sql = "SELECT blob FROM evidence_items WHERE removed_at IS NULL"
    return {str(row["blob"]) for row in tx.rows(sql)}


def living_blobs(tx: Tx) -> dict[str, str]:
    """Return the items that were not destroyed, by the name of their file."""
    sql = "SELECT blob, id FROM evidence_items WHERE destroyed_at IS NULL"
    return {str(row["blob"]): str(row["id"]) for row in tx.rows(sql)}


def last_check(tx: Tx) -> Check | None:
    """Return what the last comparison of the store with the items has found, None before it."""
    sql = "SELECT at, items, lost, strays FROM evidence_checks ORDER BY at DESC LIMIT 1"
    return tx.one(sql, Check)


_HOLD = """SELECT id, case_id, item, ground, reference, sealed_reference, placed_by, placed_at,
             until, renewed_at, ended_at, why_ended FROM holds """


def holds(tx: Tx, case: str) -> list[Hold]:
    """Return the holds on a case and on its items, the last to end first, with those that ended."""
    sql = _HOLD + "WHERE case_id = %(c)s ORDER BY ended_at IS NOT NULL, until DESC, id"
    return _holds(tx, sql, c=case)


def hold_of(tx: Tx, hold_id: str) -> Hold:
    """Return a hold, or raise `Problem` (404)."""
    found = _holds(tx, _HOLD + "WHERE id = %(h)s", h=hold_id)
    if not found:
        raise Problem("hold.unknown", "There is no such hold.", status=404)
    return found[0]


def ending(tx: Tx, before: datetime) -> list[Hold]:
    """Return the standing holds that end before a moment, the first to end first."""
    sql = _HOLD + "WHERE ended_at IS NULL AND until < %(b)s ORDER BY until, id LIMIT 200"
    return _holds(tx, sql, b=before)


def _holds(tx: Tx, sql: str, **params: object) -> list[Hold]:
    rows = tx.rows(sql, **params)
    tx.keys.load(hold_subject(str(row["id"])) for row in rows if row["sealed_reference"])
    return [_hold(tx, row) for row in rows]


def _hold(tx: Tx, row: dict[str, Any]) -> Hold:
    sealed = row.pop("sealed_reference")
    if sealed is not None:
        plain = tx.keys.open(hold_subject(row["id"]), sealed)
        row["reference"] = "" if plain is None else plain.decode()
    return Hold(**row)


def hold_subject(hold_id: str) -> str:
    """Return the subject that a hold's reference is sealed for."""
    return f"hold:{hold_id}"


class Wrapped(msgspec.Struct, frozen=True):
    """The key of an item as it is wrapped for one officer."""

    item: str
    officer: str
    wrapped: bytes


def keys_of(tx: Tx, ids: Sequence[str]) -> list[Wrapped]:
    """Return the wrapped keys of items, for every officer."""
    sql = """SELECT item, officer, wrapped FROM evidence_keys WHERE item = ANY(%(ids)s)
             ORDER BY item, officer"""
    return tx.all(sql, Wrapped, ids=list(ids))


class Officer(msgspec.Struct, frozen=True):
    """Somebody to whom keys of items are wrapped."""

    id: str
    staff: str | None
    name: str | None
    public: bytes
    added_at: datetime
    removed_at: datetime | None


def officers(tx: Tx, *, living: bool = True) -> list[Officer]:
    """Return the officers, by name; with `living=False` also those who were removed."""
    sql = """SELECT o.id, o.staff, s.name, o.public, o.added_at, o.removed_at
             FROM evidence_officers o LEFT JOIN staff s ON s.id = o.staff
             WHERE %(all)s OR o.removed_at IS NULL ORDER BY s.name, o.id"""
    return tx.all(sql, Officer, all=not living)
