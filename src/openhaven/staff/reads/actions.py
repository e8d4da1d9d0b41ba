"""Verbs of looks: note one, seal what came, forget what is old."""

from datetime import timedelta

from openhaven import ledger
from openhaven.core import new_id
from openhaven.staff.reads.model import Row, digest
from openhaven.storage import Tx

_LONGEST = 120
_BATCH = 5_000


def note(tx: Tx, staff: str, kind: str, matter: str, glass: str | None = None) -> None:
    """Note that a member of staff is about to be shown something; once for each minute.

    `glass` is the id of a permission taken in need that let them in.
    """
    sql = """INSERT INTO reads (staff, kind, matter, at, minute, glass)
             VALUES (%(s)s, %(k)s, %(m)s, %(now)s, %(minute)s, %(g)s)
             ON CONFLICT (staff, kind, matter, minute) DO NOTHING"""
    tx.run(sql, s=staff, k=kind, m=matter[:_LONGEST], now=tx.now, g=glass,
           minute=int(tx.now.timestamp()) // 60)  # fmt: skip


def seal(tx: Tx) -> int:
    """Seal what came since the last time; return how many looks that were."""
    sql = """SELECT id, staff, kind, matter, at, glass FROM reads WHERE seal IS NULL
             ORDER BY id LIMIT %(n)s FOR UPDATE SKIP LOCKED"""
    rows = tx.all(sql, Row, n=_BATCH)
    if not rows:
        return 0
    made = new_id("rds")
    tx.run("""INSERT INTO read_seals (id, reads, digest, made_at)
              VALUES (%(id)s, %(n)s, %(d)s, %(now)s)""",
           id=made, n=len(rows), d=digest(rows), now=tx.now)  # fmt: skip
    tx.run("UPDATE reads SET seal = %(s)s WHERE id = ANY(%(ids)s)",
           s=made, ids=[row.id for row in rows])  # fmt: skip
    ledger.append(tx, "reads.sealed", {"seal": made}, row=("read_seals", made))
    return len(rows)


def forget(tx: Tx, days: int) -> int:
    """Forget the looks of whole seals that are older than `days`; return how many they were."""
    sql = """UPDATE read_seals SET forgotten_at = %(now)s
             WHERE made_at < %(before)s AND forgotten_at IS NULL RETURNING id"""
    old = [str(row["id"]) for row in tx.rows(sql, now=tx.now, before=tx.now - timedelta(days=days))]
    return tx.run("DELETE FROM reads WHERE seal = ANY(%(old)s)", old=old) if old else 0
