"""Reading who read what."""

import msgspec

from openhaven.staff.reads.model import Read, Row, Seek, digest
from openhaven.storage import Tx


def found(tx: Tx, seek: Seek, most: int = 100) -> list[Read]:
    """Return the looks that were looked for, newest first, at most so many."""
    sql = """SELECT r.id, r.staff, s.name, r.kind, r.matter, r.at, r.glass, r.seal
             FROM reads r JOIN staff s ON s.id = r.staff
             WHERE (%(person)s::text = '' OR r.staff IN (
                      SELECT id FROM staff WHERE name = %(person)s OR id = %(person)s))
               AND (%(matter)s::text = '' OR r.matter = %(matter)s)
               AND (%(what)s::text = '' OR r.kind = %(what)s)
               AND (%(since)s::timestamptz IS NULL OR r.at >= %(since)s::timestamptz)
               AND (%(until)s::timestamptz IS NULL OR r.at < %(until)s::timestamptz)
               AND (%(before)s::bigint IS NULL OR r.id < %(before)s::bigint)
             ORDER BY r.id DESC LIMIT %(most)s"""
    return tx.all(sql, Read, most=most, person=seek.person, matter=seek.matter, what=seek.kind,
                  since=seek.since, until=seek.until, before=seek.before)  # fmt: skip


class _Seal(msgspec.Struct, frozen=True):
    id: str
    reads: int
    digest: bytes


def check(tx: Tx) -> list[str]:
    """Return the ids of seals whose looks are no longer those that were sealed."""
    sql = "SELECT id, reads, digest FROM read_seals WHERE forgotten_at IS NULL ORDER BY id"
    return [one.id for one in tx.all(sql, _Seal) if not _holds(tx, one)]


def _holds(tx: Tx, seal: _Seal) -> bool:
    sql = "SELECT id, staff, kind, matter, at, glass FROM reads WHERE seal = %(s)s ORDER BY id"
    rows = tx.all(sql, Row, s=seal.id)
    return len(rows) == seal.reads and digest(rows) == seal.digest
