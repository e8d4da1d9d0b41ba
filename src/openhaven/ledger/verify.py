"""Recompute everything and name, in plain words, the first entry or row that was altered."""

from collections.abc import Callable

from openhaven.ledger import store
from openhaven.ledger.findings import Findings, Report
from openhaven.ledger.note import Checkpoint, NoteError, open_checkpoint
from openhaven.ledger.rowcheck import RowCheck
from openhaven.ledger.tree import TILE_WIDTH
from openhaven.ledger.treecheck import TreeCheck
from openhaven.storage import Tx

CHUNK = 8 * TILE_WIDTH

Progress = Callable[[int, int], None]


def verify(tx: Tx, outside: str | None, vkey: str, progress: Progress | None = None) -> Report:
    """Recompute the whole ledger and check everything that it seals.

    `outside` is the checkpoint kept outside of the database (None: there is none), read *before*
    this transaction began, since it may be newer than what is seen here otherwise. `vkey` is the
    log's public key. `progress(done, total)` is called with entries. Must be the first in its
    transaction, which becomes one unchanging view (`psycopg.Error` otherwise); memory does not grow
    with the log.
    """
    tx.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    tx.run("SET LOCAL DateStyle = 'ISO'")
    findings = Findings()
    size = _size(tx)
    kept = _kept(outside, vkey, size, findings)
    tree, rows = TreeCheck(tx, vkey, kept, findings), RowCheck(tx, findings)
    tree.start()
    for begin in range(0, size, CHUNK):
        end = min(begin + CHUNK, size)
        entries = store.entries(tx, begin, end)
        tree.chunk(begin, end, entries)
        rows.chunk(entries, tree.altered)
        if progress is not None:
            progress(end, size)
    tree.finish(size)
    _beyond(tx, size, findings)
    pending = _pending(tx, rows)
    rows.finish()
    return Report(
        size, tree.root, pending, tree.checkpoints, rows.rows, rows.erased, outside is not None,
        findings.sorted(),
    )  # fmt: skip


def _size(tx: Tx) -> int:
    """Return how far to read: what the newest checkpoint covers.

    A forged checkpoint over more entries than there are must not keep us reading for years: a
    chunk beyond the last entry is enough to find that the rest is missing.
    """
    head = store.head(tx)
    return 0 if head is None else min(head.size, store.last_index(tx) + 1 + CHUNK)


def _kept(outside: str | None, vkey: str, size: int, findings: Findings) -> Checkpoint | None:
    if outside is None:
        return None
    try:
        kept = open_checkpoint(outside, vkey)
    except NoteError as error:
        findings.of_log(
            float("inf"), f"the checkpoint kept outside of the database does not hold: {error}"
        )
        return None
    if kept.size > size:
        findings.of_log(
            size,
            f"the database was rolled back: a checkpoint over {kept.size} entries was signed, the "
            f"database knows {size}",
        )
    return kept


def _beyond(tx: Tx, size: int, findings: Findings) -> None:
    entry = store.beyond(tx, size)
    if entry is not None:
        findings.about(entry, "it has a place that no checkpoint covers")


def _pending(tx: Tx, rows: RowCheck) -> int:
    """Check the entries that wait for their place, and return their number."""
    count, last = 0, ""
    while page := store.unsequenced(tx, last, CHUNK):
        rows.chunk(page)
        count, last = count + len(page), page[-1].id
    return count
