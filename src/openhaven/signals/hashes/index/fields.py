"""How the compiled loops read a chunk out of a hash, and a row number out of a posting."""

from typing import Any

import numpy as np

from openhaven.signals.hashes.index.machine import inlined

ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@inlined
def take(a: Any, b: Any, c: Any, d: Any, start: Any, width: Any) -> Any:
    """Return `width` (at most 32) bits of four words from bit `start` on, round the end."""
    word, shift = start >> 6, np.uint64(start & 63)
    low = a if word == 0 else b if word == 1 else c if word == 2 else d
    high = b if word == 0 else c if word == 1 else d if word == 2 else a
    value = low >> shift
    if shift != np.uint64(0):
        value |= high << (np.uint64(64) - shift)
    return value & (ALL >> np.uint64(64 - width))


@inlined
def row_at(posts: Any, size: Any, place: Any) -> Any:
    """Return the row number in a posting of `size` (3 or 4) bytes."""
    at = place * size
    row = np.int64(posts[at]) | np.int64(posts[at + 1]) << 8 | np.int64(posts[at + 2]) << 16
    if size == 4:
        row |= np.int64(posts[at + 3]) << 24
    return row
