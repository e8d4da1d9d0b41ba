"""The log beside a shared index file: what was added and removed since the file was written.

It only grows, by whole records of 48 bytes that carry a sum, and belongs to one generation of the
file. A record that a crash cut off is not read, and is overwritten by the next writer.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ADD, REMOVE = 1, 2
RECORD = np.dtype([("sum", "=u4"), ("verb", "=u4"), ("id", "=i8"), ("hash", "=u1", 32)])
_FACTORS = np.array(
    [0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3,
     0x589965CC75374CC3, 0x1D8E4E27C47D124F], np.uint64,
)  # fmt: skip


def records(verb: int, ids: NDArray[np.int64], hashes: NDArray[np.uint8] | None) -> Any:
    """Return records that say the same of each id; a removal has no hashes."""
    made = np.zeros(len(ids), RECORD)
    made["verb"], made["id"] = verb, ids
    if hashes is not None:
        made["hash"] = hashes
    made["sum"] = _sums(made)
    return made


def read(path: Path, begin: int) -> Any:
    """Return the whole records from byte `begin` on; none when there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(begin)
            data = file.read()
    except FileNotFoundError:
        data = b""
    found = np.frombuffer(data[: len(data) // RECORD.itemsize * RECORD.itemsize], RECORD)
    broken = np.flatnonzero(found["sum"] != _sums(found))
    return found[: broken[0]] if len(broken) else found


def append(path: Path, end: int, more: Any) -> None:
    """Write records at byte `end`, down to the disk; for who holds the lock.

    Raises `OSError` when they cannot all be written; then none of them counts.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.ftruncate(handle, end)
        try:
            left = memoryview(more.tobytes())
            place = end
            while left:
                written = os.pwrite(handle, left, place)
                left, place = left[written:], place + written
            os.fdatasync(handle)
        except OSError:
            os.ftruncate(handle, end)
            raise
    finally:
        os.close(handle)


def _sums(rows: Any) -> Any:
    plain = rows.copy()
    plain["sum"] = 0x6F68
    words = plain.view(np.uint64).reshape(-1, RECORD.itemsize // 8)
    mixed = ((words ^ (words >> np.uint64(29))) * _FACTORS).sum(axis=1, dtype=np.uint64)
    return (mixed >> np.uint64(32)).astype(np.uint32)
