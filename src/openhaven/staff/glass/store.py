"""Reading permissions that were taken in need."""

from datetime import datetime

import msgspec

from openhaven.staff.glass.model import Break
from openhaven.storage import Tx


class _Row(msgspec.Struct, frozen=True):
    id: str
    staff: str
    name: str
    permission: str
    subject: str
    reason: bytes
    taken_at: datetime
    ends_at: datetime
    given_back_at: datetime | None
    reviewer: str | None
    reviewed_at: datetime | None
    verdict: str | None
    remark: bytes | None
    alone: bool
    reads: int


def breaks(tx: Tx, *, staff: str = "", most: int = 50) -> list[Break]:
    """Return what was taken in need, by everybody or one member: first what nobody looked at."""
    sql = """SELECT g.id, g.staff, s.name, g.permission, g.subject, g.reason, g.taken_at, g.ends_at,
               g.given_back_at, r.name AS reviewer, g.reviewed_at, g.verdict, g.remark, g.alone,
               (SELECT count(*) FROM reads WHERE glass = g.id) AS reads
             FROM glass_breaks g JOIN staff s ON s.id = g.staff
             LEFT JOIN staff r ON r.id = g.reviewed_by
             WHERE (%(s)s = '' OR g.staff = %(s)s)
             ORDER BY g.reviewed_at IS NOT NULL, g.taken_at DESC LIMIT %(n)s"""
    return [_opened(tx, row) for row in tx.all(sql, _Row, s=staff, n=most)]


def subject_of(staff: str) -> str:
    """Return for whom the words about a member of staff are sealed."""
    return f"staff:{staff}"


def _opened(tx: Tx, row: _Row) -> Break:
    def plain(sealed: bytes | None) -> str:
        found = None if sealed is None else tx.keys.open(row.subject, sealed)
        return "" if found is None else found.decode()

    return Break(
        id=row.id, staff=row.staff, name=row.name, permission=row.permission,
        reason=plain(row.reason), taken_at=row.taken_at, ends_at=row.ends_at,
        given_back_at=row.given_back_at, reviewer=row.reviewer, reviewed_at=row.reviewed_at,
        verdict=row.verdict, remark=plain(row.remark), alone=row.alone, reads=row.reads,
    )  # fmt: skip


class Told(msgspec.Struct, frozen=True):
    """What those who manage staff are told: whose name, which permission, until when."""

    name: str
    permission: str
    ends_at: datetime


def told(tx: Tx, glass: str) -> Told | None:
    """Return what is told of a permission that was taken."""
    sql = """SELECT s.name, g.permission, g.ends_at
             FROM glass_breaks g JOIN staff s ON s.id = g.staff
             WHERE g.id = %(g)s"""
    return tx.one(sql, Told, g=glass)
