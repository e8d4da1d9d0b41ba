"""The last checkpoint outside of the database: whoever alters the database cannot alter it too.

The copy may only move forward. At a start, and at every verification, it is held against the
database: a database that knows less than the copy was rolled back, one that knows other entries at
the copy's size was rewritten.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from openhaven.core import Problem
from openhaven.ledger import store
from openhaven.ledger.note import Checkpoint, NoteError, open_checkpoint
from openhaven.storage import Tx

FILE_NAME = "ledger-checkpoint"

State = Literal["missing", "same", "behind"]


def read_outside(path: Path) -> str | None:
    """Return the note kept at `path`, or None when there is none."""
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None


def keep_outside(path: Path, note: str, vkey: str) -> bool:
    """Keep the checkpoint `note` at `path`; say whether the copy moved.

    The file is replaced as a whole and synced to the disk, so that a crash leaves the old or the
    new note. A note no newer than the copy is not written. Raises `Problem` when `note` or the copy
    is not signed by `vkey`, or when both have the same size and another root (`ledger.fork`).
    """
    fresh = _open(note, vkey, "The new checkpoint")
    with _alone(path):
        kept = read_outside(path)
        if kept is not None:
            old = _open(kept, vkey, f"The checkpoint kept in {path}")
            if old.size == fresh.size and old.root != fresh.root:
                raise fork(old.size)
            if old.size >= fresh.size:
                return False
        _replace(path, note.encode())
    return True


def compare_outside(tx: Tx, note: str | None, vkey: str) -> State:
    """Hold the outside copy against the database; `behind` is normal after a crash.

    Raises `Problem`: `ledger.rolled_back` when the database knows fewer entries than the copy,
    `ledger.fork` when it holds other entries, `ledger.outside` when the copy is not ours.
    """
    if note is None:
        return "missing"
    kept = _open(note, vkey, "The checkpoint kept outside of the database")
    head = store.head(tx)
    size = 0 if head is None else head.size
    if kept.size > size:
        raise rolled_back(kept.size, size)
    if store.root_at(tx, kept.size) != kept.root:
        raise fork(kept.size)
    return "same" if kept.size == size else "behind"


def rolled_back(kept: int, size: int) -> Problem:
    """Return the problem of a database that knows less than the outside copy."""
    return Problem(
        "ledger.rolled_back", "The ledger in the database was rolled back.",
        f"A checkpoint over {kept} entries was signed; the database knows {size}.",
        status=500, next_step="Restore the newest backup; do not delete the outside checkpoint.",
    )  # fmt: skip


def fork(size: int) -> Problem:
    """Return the problem of two different trees of equal size."""
    return Problem(
        "ledger.fork", "The ledger was rewritten.",
        f"The outside checkpoint and the database disagree about the first {size} entries.",
        status=500, next_step="Run: openhaven ledger verify. Then restore from a backup.",
    )  # fmt: skip


def _open(note: str, vkey: str, what: str) -> Checkpoint:
    try:
        return open_checkpoint(note, vkey)
    except NoteError as error:
        raise Problem(
            "ledger.outside", f"{what} is not one of this ledger.", str(error), status=500,
            next_step="Compare it with a backup; never delete it to silence this.",
        ) from error  # fmt: skip


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time compare and replace the copy."""
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.draft")
    with open(draft, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
