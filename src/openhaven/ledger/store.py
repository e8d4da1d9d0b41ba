"""Reads: heads, entries, tiles and the rows that entries seal."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from openhaven.core import Problem
from openhaven.ledger.model import SEALED, Entry, Head, names_of, table_of
from openhaven.ledger.tiles import edge_tiles, reader, width_at
from openhaven.ledger.tree import HASH_BYTES, Reader, range_root
from openhaven.storage import Tx

# The time comes as the text that stands in the leaf: whatever an attacker wrote there, such as
# `infinity` or a fraction of a second, can be read and compared.
_ENTRY = """
  SELECT id, replace((at AT TIME ZONE 'UTC')::text, ' ', 'T') || 'Z' AS at, kind, ids, actor,
         row_table, row_id, salt, commitment, leaf, idx
  FROM ledger_entries e """


class Tile(msgspec.Struct, frozen=True):
    """A stored tile."""

    level: int
    idx: int
    hashes: bytes


class Waiting(msgspec.Struct, frozen=True):
    """What the sequencer needs of an entry that has no place yet."""

    id: str
    leaf: bytes


def head(tx: Tx) -> Head | None:
    """Return the newest checkpoint, or None before the first."""
    return tx.one(
        "SELECT size, root, note FROM ledger_checkpoints ORDER BY size DESC LIMIT 1", Head
    )


def heads_between(tx: Tx, after: int, upto: int) -> list[Head]:
    """Return the checkpoints whose size is in (`after`, `upto`], smallest first."""
    sql = """SELECT size, root, note FROM ledger_checkpoints
             WHERE size > %(after)s AND size <= %(upto)s ORDER BY size"""
    return tx.all(sql, Head, after=after, upto=upto)


def entry(tx: Tx, entry_id: str) -> Entry | None:
    """Return one entry, or None."""
    return tx.one(_ENTRY + "WHERE id = %(id)s", Entry, id=entry_id)


def entries(tx: Tx, begin: int, end: int) -> list[Entry]:
    """Return the sequenced entries with index in [`begin`, `end`), in order."""
    sql = _ENTRY + "WHERE idx >= %(begin)s AND idx < %(end)s ORDER BY idx"
    return tx.all(sql, Entry, begin=begin, end=end)


def beyond(tx: Tx, size: int) -> Entry | None:
    """Return the first entry whose index no checkpoint covers, or None."""
    sql = _ENTRY + "WHERE idx >= %(size)s ORDER BY idx LIMIT 1"
    return tx.one(sql, Entry, size=size)


def last_index(tx: Tx) -> int:
    """Return the highest index that an entry has, -1 when none has one."""
    found = tx.value("SELECT max(idx) FROM ledger_entries")
    return -1 if found is None else int(found)


def unsequenced(tx: Tx, after: str, limit: int) -> list[Entry]:
    """Return up to `limit` entries without an index whose id comes after `after`, by id."""
    sql = _ENTRY + "WHERE idx IS NULL AND id > %(after)s ORDER BY id LIMIT %(limit)s"
    return tx.all(sql, Entry, after=after, limit=limit)


def waiting(tx: Tx, limit: int) -> list[Waiting]:
    """Return up to `limit` entries that the sequencer shall place next, in order."""
    sql = """SELECT id, leaf FROM ledger_entries WHERE idx IS NULL
             ORDER BY at, id LIMIT %(limit)s"""
    return tx.all(sql, Waiting, limit=limit)


def leaves(tx: Tx, begin: int, end: int) -> list[bytes]:
    """Return the leaves with index in [`begin`, `end`), in order."""
    sql = """SELECT leaf FROM ledger_entries WHERE idx >= %(begin)s AND idx < %(end)s
             ORDER BY idx"""
    return [bytes(row["leaf"]) for row in tx.rows(sql, begin=begin, end=end)]


def tile(tx: Tx, level: int, index: int) -> bytes:
    """Return the stored bytes of a tile; empty when there is none."""
    sql = "SELECT hashes FROM ledger_tiles WHERE level = %(level)s AND idx = %(index)s"
    return bytes(tx.value(sql, level=level, index=index) or b"")


def tiles(tx: Tx, level: int, begin: int, end: int) -> dict[int, bytes]:
    """Return the stored tiles of `level` with index in [`begin`, `end`)."""
    sql = """SELECT level, idx, hashes FROM ledger_tiles
             WHERE level = %(level)s AND idx >= %(begin)s AND idx < %(end)s"""
    return {row.idx: row.hashes for row in tx.all(sql, Tile, level=level, begin=begin, end=end)}


def tile_count(tx: Tx) -> int:
    """Return how many tiles are stored."""
    return int(tx.value("SELECT count(*) FROM ledger_tiles"))


def edge(tx: Tx, size: int) -> dict[int, bytes]:
    """Return the growing tiles of the tree of `size`, by level, cut to what that size has."""
    return {
        level: tile(tx, level, index)[: width_at(level, index, size) * HASH_BYTES]
        for level, index in edge_tiles(size)
    }


def tree(tx: Tx) -> Reader:
    """Return a reader of the tree that the stored tiles hold."""
    return reader(lambda level, index: tile(tx, level, index))


def root_at(tx: Tx, size: int) -> bytes:
    """Return the root of the first `size` entries according to the stored tiles.

    Raises `Problem` when tiles are missing.
    """
    try:
        return range_root(tree(tx), 0, size)
    except LookupError as error:
        raise Problem(
            "ledger.tiles", "A part of the ledger's tree is missing.", str(error), status=500,
            next_step="Run: openhaven ledger verify",
        ) from error  # fmt: skip


def sealed_rows(tx: Tx, name: str, keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Return the sealed columns of the rows with these keys; `name` is one of `SEALED`."""
    columns = SEALED[name]
    listed = ", ".join(f'"{column}"' for column in columns)
    # Names of tables and columns come from SEALED alone, never from outside.
    sql = f'SELECT {listed} FROM {table_of(name)} WHERE "{columns[0]}" = ANY(%(keys)s)'  # noqa: S608
    return {row[columns[0]]: row for row in tx.rows(sql, keys=list(keys))}


def unrecorded(tx: Tx, table: str) -> str | None:
    """Return the first row of `table` that no entry has sealed, or None."""
    key = SEALED[table][0]
    sql = f"""SELECT {key} FROM {table} t WHERE NOT EXISTS (
                SELECT 1 FROM ledger_entries e
                WHERE e.row_table = ANY(%(names)s) AND e.row_id = t.{key})
              ORDER BY 1 LIMIT 1"""  # noqa: S608
    found = tx.value(sql, names=names_of(table))
    return None if found is None else str(found)


def unexplained(tx: Tx) -> Entry | None:
    """Return the first entry whose salt is gone though no entry tells of an erasure, or None."""
    sql = """
             WHERE e.commitment IS NOT NULL AND e.salt IS NULL AND NOT EXISTS (
               SELECT 1 FROM ledger_entries x WHERE x.kind = 'erasure'
               AND x.ids ->> 'table' = split_part(e.row_table, '@', 1)
               AND x.ids ->> 'row' = e.row_id)
             ORDER BY e.idx NULLS LAST, e.id LIMIT 1"""
    return tx.one(_ENTRY + sql, Entry)
