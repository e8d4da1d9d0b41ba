"""Reading sources, what waits to be sent back, and the changes of a bank as a peer gets them."""

import re
from datetime import datetime
from typing import Any

import msgspec

from openhaven.core import Problem
from openhaven.exchange.model import Saying, Source
from openhaven.storage import Tx

SHARED_PAGE = 1_000


def sources(tx: Tx) -> list[Source]:
    """Return every source that was not removed, by name, with what is counted of each."""
    sql = """SELECT s.*,
               (SELECT count(*) FROM bank_entries e WHERE e.source = s.id AND e.living) AS entries,
               (SELECT count(*) FROM bank_outbox o WHERE o.source = s.id AND o.state = 'intended')
                 AS waiting,
               (SELECT count(*) FROM bank_outbox o WHERE o.source = s.id AND o.state = 'failed')
                 AS undelivered
             FROM bank_sources s WHERE s.removed_at IS NULL ORDER BY s.name"""
    return tx.all(sql, Source)


def source(tx: Tx, name: str) -> Source:
    """Return the source of this name or id, with nothing counted; raises `Problem` (404).

    It is asked for with every page, which must not cost more the more was read before.
    """
    sql = "SELECT * FROM bank_sources WHERE (name = %(n)s OR id = %(n)s) AND removed_at IS NULL"
    found = tx.one(sql, Source, n=name)
    if found is None:
        raise Problem("source.none", f"There is no source “{name}”.", status=404,
                      next_step="`openhaven bank sources` shows those there are.")  # fmt: skip
    return found


def credentials(tx: Tx, source_id: str) -> dict[str, str]:
    """Return the credentials of a source; empty when it has none."""
    sealed = tx.value("SELECT credentials FROM bank_sources WHERE id = %(id)s", id=source_id)
    plain = None if sealed is None else tx.keys.open(source_id, sealed)
    return {} if plain is None else msgspec.json.decode(plain, type=dict[str, str])


class Outgoing(msgspec.Struct, frozen=True):
    """A word in the outbox."""

    id: str
    source: str
    attempts: int
    saying: Saying


def outgoing(tx: Tx, box: str) -> Outgoing | None:
    """Return one word of the outbox with the value that it is about."""
    sql = """SELECT o.id, o.source, o.attempts, o.source_id, o.word, b.kind, e.value, e.tags
             FROM bank_outbox o JOIN bank_feedback f ON f.id = o.feedback
             JOIN bank_entries e ON e.id = f.entry JOIN banks b ON b.id = e.bank
             WHERE o.id = %(id)s"""
    rows = tx.rows(sql, id=box)
    if not rows:
        return None
    row = rows[0]
    saying = Saying(row["source_id"], row["kind"], row["value"], row["word"], tuple(row["tags"]))
    return Outgoing(row["id"], row["source"], row["attempts"], saying)


# For peers ------------------------------------------------------------------------------------


class Shared(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of our own entries as a peer sees it; without `value` it is gone."""

    id: str
    value: str | None = None
    quality: int | None = None
    tags: tuple[str, ...] = ()
    at: str = ""


class SharedPage(msgspec.Struct, frozen=True):
    """A page of changes for a peer, and where the next one begins."""

    bank: str
    kind: str
    opinion: str
    changes: tuple[Shared, ...]
    next: str
    more: bool
    starts: bool
    ends: bool


class _Row(msgspec.Struct, frozen=True):
    id: int
    value: bytes
    quality: int | None
    tags: tuple[str, ...]
    at: datetime
    own: bool
    writer: int = 0
    seq: int = 0


def shared_bank(tx: Tx, name: str, key: str) -> dict[str, Any]:
    """Return id, name, kind and opinion of a bank that this key may read.

    Raises `Problem` 404 otherwise, the same whether there is such a bank or not.
    """
    sql = """SELECT b.id, b.name, b.kind, b.opinion FROM banks b
             JOIN bank_shares s ON s.bank = b.id
             WHERE b.name = %(name)s AND s.key = %(key)s AND b.mode <> 'off'"""
    rows = tx.rows(sql, name=name, key=key)
    if not rows:
        raise Problem("bank.none", f"There is no bank “{name}” for this key.", status=404,
                      next_step="Its operator can share it: openhaven bank share")  # fmt: skip
    return rows[0]


def is_shared(tx: Tx, bank: str, number: str) -> bool:
    """Say whether this is the id of an entry of our own in a bank, living or not."""
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        return False
    sql = """SELECT 1 FROM bank_entries WHERE id = %(id)s AND bank = %(b)s AND source IS NULL
             AND (confirmed_at IS NOT NULL OR NOT negative)"""
    return tx.value(sql, id=int(number), b=bank) is not None


def shared_page(tx: Tx, bank: dict[str, Any], after: str) -> SharedPage:
    """Return what a peer has not read yet; `after` is what the last page named, or empty.

    First all of our own entries are listed, then their changes follow. A change is told only once
    every transaction that began before it has ended, so that none is ever passed over. Raises
    `Problem` 410 when `after` is of another database, such as before a restore: then a peer starts
    again.
    """
    epoch = _epoch(tx)
    phase, of, writer, place = _parse(after) if after else ("l", epoch, _horizon(tx), 0)
    if of != epoch:
        raise Problem("bank.start_again", "This place is of another database.", status=410,
                      next_step="Read the bank from its start, without “after”.")  # fmt: skip
    rows = _listed(tx, bank["id"], place) if phase == "l" else _changed(
        tx, bank["id"], writer, place)  # fmt: skip
    more = len(rows) == SHARED_PAGE
    ends = phase == "l" and not more
    if phase == "l":
        last = f"c.{epoch}.{writer}.0" if ends else f"l.{epoch}.{writer}.{rows[-1].id}"
    else:
        last = f"c.{epoch}.{rows[-1].writer}.{rows[-1].seq}" if rows else after
    changes = tuple(_shared(row, bank["kind"]) for row in rows)
    return SharedPage(bank["name"], bank["kind"], bank["opinion"], changes, last, more or ends,
                      not after, ends)  # fmt: skip


def _listed(tx: Tx, bank: str, after: int) -> list[_Row]:
    sql = """SELECT id, value, quality, tags, added_at AS at, true AS own FROM bank_entries
             WHERE bank = %(b)s AND id > %(after)s AND living AND source IS NULL
             ORDER BY id LIMIT %(limit)s"""
    return tx.all(sql, _Row, b=bank, after=after, limit=SHARED_PAGE)


def _changed(tx: Tx, bank: str, writer: int, seq: int) -> list[_Row]:
    sql = """SELECT e.id, e.value, e.quality, e.tags, c.at, e.living AND e.source IS NULL AS own,
               c.writer::text::bigint AS writer, c.seq
             FROM bank_changes c JOIN bank_entries e ON e.id = c.entry
             WHERE c.bank = %(b)s AND (c.writer, c.seq) > (%(w)s::text::xid8, %(s)s)
               AND c.writer < pg_snapshot_xmin(pg_current_snapshot())
             ORDER BY c.writer, c.seq LIMIT %(limit)s"""
    return tx.all(sql, _Row, b=bank, w=str(writer), s=seq, limit=SHARED_PAGE)


def _shared(row: _Row, kind: str) -> Shared:
    if not row.own:
        return Shared(str(row.id), at=row.at.isoformat())
    value = row.value.decode() if kind == "link" else row.value.hex()
    return Shared(str(row.id), value, row.quality, row.tags, row.at.isoformat())


def _parse(after: str) -> tuple[str, str, int, int]:
    parts = after.split(".")
    plain = len(after) <= 100 and len(parts) == 4 and parts[0] in ("l", "c")
    # Of 18 digits at most, as a number in the database can have.
    if not plain or not all(re.fullmatch("[0-9]{1,18}", part) for part in parts[2:]):
        raise Problem("bank.after", "This is no place in a bank.",
                      next_step="Send what the last page named as “next”.")  # fmt: skip
    return parts[0], parts[1], int(parts[2]), int(parts[3])


def _epoch(tx: Tx) -> str:
    sql = """SELECT format('%%s-%%s', system_identifier, (SELECT oid FROM pg_database
               WHERE datname = current_database())) FROM pg_control_system()"""
    return str(tx.value(sql))


def _horizon(tx: Tx) -> int:
    return int(tx.value("SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))
