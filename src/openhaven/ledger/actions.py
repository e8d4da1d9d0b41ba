"""Verbs: append an entry, give entries their order and sign the head, destroy a salt."""

import os
from collections.abc import Iterable, Sequence

import msgspec

from openhaven.core import Problem, canonical, new_id
from openhaven.ledger import store
from openhaven.ledger.model import (
    ERASURE,
    MAX_LEAF,
    SALT_BYTES,
    Entry,
    Head,
    New,
    canonical_row,
    check_actor,
    commit,
    leaf_of,
    moment,
    names_of,
)
from openhaven.ledger.note import Checkpoint, NoteError, Signer, open_checkpoint
from openhaven.ledger.store import Waiting
from openhaven.ledger.tiles import Edge, Tiles, edge_root, extend
from openhaven.ledger.tree import EMPTY_ROOT, leaf_hash
from openhaven.storage import Tx

BATCH = 10_000


def append(tx: Tx, kind: str, ids: dict[str, str], row: tuple[str, str] | None = None) -> str:
    """Record one entry in the caller's transaction, without a place in the order yet.

    `kind` is dotted lower-case words, `ids` maps names to ids of ours (never texts, never what a
    platform calls its people: the ledger is public). `row=("decisions", "dec_…")` seals the columns
    of that row that never change; the row must have been inserted before. Returns the entry's id.
    Raises `ValueError` for a text where an id should be, `LookupError` for a row that is not there.
    """
    return append_many(tx, [New(kind, ids, row)])[0]


def append_many(tx: Tx, news: Sequence[New]) -> list[str]:
    """Record several entries at once, as `append` does; returns their ids in the given order."""
    check_actor(str(tx.actor))
    for new in news:
        new.check()
    sealed = _seal(tx, [new.row for new in news if new.row is not None])
    # Sorted, so that entries of one call keep their order: places go by time, then by id.
    ids = sorted(new_id("led") for _ in news)
    made = [_entry(tx, entry_id, new, sealed) for entry_id, new in zip(ids, news, strict=True)]
    if made:
        _insert(tx, made)
    return [entry.id for entry in made]


def _seal(tx: Tx, rows: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
    """Return the canonical form of each row; raises `LookupError` for one that is not there."""
    wanted: dict[str, set[str]] = {}
    for table, key in rows:
        wanted.setdefault(table, set()).add(key)
    found: dict[tuple[str, str], bytes] = {}
    for table, keys in wanted.items():
        stored = store.sealed_rows(tx, names_of(table)[-1], keys)
        if missing := keys - stored.keys():
            raise LookupError(f"{table} has no row {min(missing)} to be sealed")
        found |= {(table, key): canonical_row(row) for key, row in stored.items()}
    return found


def _entry(tx: Tx, entry_id: str, new: New, sealed: dict[tuple[str, str], bytes]) -> Entry:
    name, key, salt, commitment = None, None, None, None
    if new.row is not None:
        name, key, salt = names_of(new.row[0])[-1], new.row[1], os.urandom(SALT_BYTES)
        commitment = commit(salt, sealed[new.row])
    draft = Entry(
        entry_id,
        moment(tx.now),
        new.kind,
        new.ids,
        str(tx.actor),
        name,
        key,
        salt,
        commitment,
        b"",
        None,
    )
    leaf = leaf_of(draft)
    if len(leaf) > MAX_LEAF:
        raise ValueError(f"a ledger entry of kind {new.kind} is too long")
    return msgspec.structs.replace(draft, leaf=leaf)


def _insert(tx: Tx, made: list[Entry]) -> None:
    if len(made) == 1:
        # Most entries come alone; lists of one would double the cost of the statement.
        tx.run(_INSERT_ONE, **_columns(made[0]))
        return
    rows = [_columns(entry) for entry in made]
    tx.run(_INSERT_MANY, **{name: [row[name] for row in rows] for name in rows[0]})


_INSERT_ONE = """
  INSERT INTO ledger_entries
    (id, at, kind, ids, actor, row_table, row_id, salt, commitment, leaf)
  VALUES (%(id)s, %(at)s::timestamptz, %(kind)s, %(ids)s::jsonb, %(actor)s, %(row_table)s,
          %(row_id)s, %(salt)s, %(commitment)s, %(leaf)s)"""

_INSERT_MANY = """
  INSERT INTO ledger_entries
    (id, at, kind, ids, actor, row_table, row_id, salt, commitment, leaf)
  SELECT id, at::timestamptz, kind, ids::jsonb, actor, row_table, row_id, salt, commitment, leaf
  FROM unnest(%(id)s::text[], %(at)s::text[], %(kind)s::text[], %(ids)s::text[],
              %(actor)s::text[], %(row_table)s::text[], %(row_id)s::text[], %(salt)s::bytea[],
              %(commitment)s::bytea[], %(leaf)s::bytea[])
    AS new (id, at, kind, ids, actor, row_table, row_id, salt, commitment, leaf)"""


def _columns(entry: Entry) -> dict[str, object]:
    columns = msgspec.structs.asdict(entry)
    columns["ids"] = canonical(entry.ids).decode()
    del columns["idx"]
    return columns


def sequence(tx: Tx, signer: Signer, limit: int = BATCH) -> int:
    """Give up to `limit` committed entries their place, grow the tree and sign the new head.

    Everything happens in the caller's transaction, which should do nothing else and be committed at
    once. Only one sequencer works at a time; another, or one that finds nothing, writes nothing.
    Returns the number of entries placed. Raises `Problem` (`ledger.broken`) instead of signing
    anything when the stored head or the edge of the tree is not what was signed last.
    """
    if not tx.lock("openhaven.ledger.sequence"):
        return 0
    head = store.head(tx)
    if head is None:
        head = _store_checkpoint(tx, signer, 0, EMPTY_ROOT)
    fresh = store.waiting(tx, limit)
    if not fresh:
        return 0
    edge = store.edge(tx, head.size)
    _refuse_broken(tx, signer, head, edge)
    tiles, grown = extend(edge, head.size, [leaf_hash(entry.leaf) for entry in fresh])
    size = head.size + len(fresh)
    _place(tx, fresh, head.size)
    _store_tiles(tx, tiles)
    _store_checkpoint(tx, signer, size, edge_root(grown, size))
    return len(fresh)


def _refuse_broken(tx: Tx, signer: Signer, head: Head, edge: Edge) -> None:
    try:
        signed = open_checkpoint(head.note, signer.vkey)
        root = edge_root(edge, head.size)
    except (NoteError, ValueError) as error:
        raise _broken(str(error)) from error
    if (signed.size, signed.root) != (head.size, head.root) or root != head.root:
        raise _broken(f"the tree does not lead to the root that was signed at {head.size} entries")
    if store.beyond(tx, head.size) is not None:
        raise _broken(f"there are entries with an index beyond the signed {head.size}")


def _broken(detail: str) -> Problem:
    return Problem(
        "ledger.broken", "The ledger was altered; nothing more is signed.", detail, status=500,
        next_step="Run: openhaven ledger verify. Then restore from a backup.",
    )  # fmt: skip


def _place(tx: Tx, fresh: list[Waiting], begin: int) -> None:
    sql = """UPDATE ledger_entries e SET idx = new.idx
             FROM unnest(%(ids)s::text[], %(places)s::bigint[]) AS new (id, idx)
             WHERE e.id = new.id AND e.idx IS NULL"""
    places = list(range(begin, begin + len(fresh)))
    placed = tx.run(sql, ids=[entry.id for entry in fresh], places=places)
    if placed != len(fresh):
        raise _broken(f"{len(fresh) - placed} entries vanished while they were being placed")


def _store_tiles(tx: Tx, tiles: Tiles) -> None:
    sql = """INSERT INTO ledger_tiles (level, idx, hashes)
             SELECT * FROM unnest(%(levels)s::int[], %(places)s::bigint[], %(hashes)s::bytea[])
             ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes"""
    levels = [level for level, _ in tiles]
    tx.run(sql, levels=levels, places=[at for _, at in tiles], hashes=list(tiles.values()))


def _store_checkpoint(tx: Tx, signer: Signer, size: int, root: bytes) -> Head:
    note = signer.sign(Checkpoint(signer.name, size, root).text)
    sql = """INSERT INTO ledger_checkpoints (size, root, note, at)
             VALUES (%(size)s, %(root)s, %(note)s, %(at)s)"""
    tx.run(sql, size=size, root=root, note=note, at=tx.now)
    return Head(size, root, note)


def destroy_salt(tx: Tx, table: str, row_id: str) -> int:
    """Destroy the salts under which a row was sealed, and record that as an entry `erasure`.

    Afterwards nobody can tell from the ledger what the row held, nor guess it; the entries and all
    proofs stay as they are. To be called whenever sealed columns are cleared or the row is deleted,
    in the same transaction. Returns the number of salts destroyed (0 writes nothing).
    """
    return destroy_salts(tx, table, [row_id])


def destroy_salts(tx: Tx, table: str, row_ids: Sequence[str]) -> int:
    """Destroy the salts of several rows of one table, as `destroy_salt` does."""
    sql = """UPDATE ledger_entries SET salt = NULL
             WHERE row_table = ANY(%(names)s) AND row_id = ANY(%(rows)s) AND salt IS NOT NULL
             RETURNING row_id"""
    gone = tx.rows(sql, names=names_of(table), rows=list(row_ids))
    rows = sorted({str(row["row_id"]) for row in gone})
    append_many(tx, [New(ERASURE, {"table": table, "row": row}) for row in rows])
    return len(gone)
