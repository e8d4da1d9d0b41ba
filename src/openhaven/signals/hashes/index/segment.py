"""The large, immutable part of an index: hashes, and postings of each chunk in flat arrays."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openhaven.signals.hashes.index.bits import Words
from openhaven.signals.hashes.index.layout import chunks_for, layout
from openhaven.signals.hashes.index.machine import LANES
from openhaven.signals.hashes.index.posting import doubtful, post

MOST_ROWS = 2**32 - 2
_SHORT = 2**24
_LINE = 64
# Rows in a heap while they are sorted, and how many heaps (2**n) are dealt out at once.
_HEAP, _MOST_HEAPS = 32_768, 10


class Segment(NamedTuple):
    """Rows in the order of their ids; a row is one hash, which may have several owners.

    `hashes` (n, 4) words. `offsets`, `posts` (3 or 4 bytes each) and `sketches` hold all chunks one
    behind the other. `ids` is empty where row and id are the same; further owners of a row stand in
    `more_rows`, in order, and `more_ids`.
    """

    chunks: int
    hashes: Words
    offsets: NDArray[np.uint32]
    posts: NDArray[np.uint8]
    sketches: NDArray[np.uint16]
    ids: NDArray[np.uint32] | NDArray[np.int64]
    more_rows: NDArray[np.int64]
    more_ids: NDArray[np.int64]

    @property
    def rows(self) -> int:
        """Return the number of different hashes."""
        return len(self.hashes)

    @property
    def stride(self) -> int:
        """Return the number of places a chunk has in `posts` and `sketches`."""
        return _stride(self.rows)

    @property
    def post_size(self) -> int:
        """Return the bytes of a posting."""
        return _post_size(self.rows)

    @property
    def nbytes(self) -> int:
        """Return the bytes of all arrays."""
        return sum(array.nbytes for array in self[1:])

    @property
    def pairs(self) -> int:
        """Return the number of pairs of hash and owner."""
        return self.rows + len(self.more_ids)

    def first_ids(self) -> NDArray[np.int64]:
        """Return the first owner of every row; in ascending order."""
        if not len(self.ids):
            return np.arange(self.rows, dtype=np.int64)
        return self.ids.astype(np.int64)

    def ids_at(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the first owners of these rows."""
        return self.ids[rows].astype(np.int64) if len(self.ids) else rows

    def owned_by(self, ids: NDArray[np.int64]) -> int:
        """Return how many pairs of hash and owner these (different) ids have here."""
        if not len(self.ids):
            first = int(((ids >= 0) & (ids < self.rows)).sum())
        else:
            given = ids
            if self.ids.dtype == np.uint32:
                given = given[(given >= 0) & (given < 2**32)].astype(np.uint32)
            sides = [np.searchsorted(self.ids, given, side) for side in ("left", "right")]
            first = int((sides[1] - sides[0]).sum())
        return first + int(np.isin(self.more_ids, ids).sum())


def build(words: Words, ids: NDArray[np.int64] | None, chunks: int | None, threads: int) -> Segment:
    """Return the segment of hashes, (n, 4) words, and their ids, or 0 to n-1 where None.

    Hashes that are the same become one row. Raises `ValueError` for more than 2**32 - 2 of them.
    """
    if len(words) > MOST_ROWS:
        raise ValueError(f"an index holds at most {MOST_ROWS} hashes, not {len(words)}")
    if ids is not None and len(ids) > 1 and not bool((ids[1:] >= ids[:-1]).all()):
        sorted_ = np.argsort(ids, kind="stable")
        words, ids = words[sorted_], ids[sorted_]
    parts = _Parts(words, chunks or chunks_for(len(words)))
    parts.post([0])
    more_rows = more_ids = np.zeros(0, np.int64)
    if len(doubles := _doubles(parts)):
        if ids is None:
            ids = np.arange(len(words), dtype=np.int64)
        kept = np.ones(len(words), np.bool_)
        kept[doubles[:, 1]] = False
        more_rows, more_ids = (np.cumsum(kept) - 1)[doubles[:, 0]], ids[doubles[:, 1]]
        sorted_ = np.lexsort((more_ids, more_rows))
        more_rows, more_ids = more_rows[sorted_], more_ids[sorted_]
        words, ids = words[kept], ids[kept]
        parts = _Parts(words, parts.chunks)
        parts.post([0])
    _each(parts.post, range(1, parts.chunks), threads)
    return frozen(Segment(
        parts.chunks, words, parts.offsets, parts.posts, parts.sketches, _short(ids),
        more_rows, more_ids,
    ))  # fmt: skip


def frozen(segment: Segment) -> Segment:
    """Return the segment with arrays that cannot be written: the kind that is compiled for."""
    views: list[Any] = [array[:] for array in segment[1:]]
    for view in views:
        view.flags.writeable = False
    return Segment(segment.chunks, *views)


class _Parts:
    """The arrays of a segment while they are made."""

    def __init__(self, words: Words, chunks: int) -> None:
        self.words, self.chunks = words[:], chunks
        self.words.flags.writeable = False
        self.stride, self.size = _stride(len(words)), _post_size(len(words))
        self.offsets = np.empty(layout(chunks).buckets, np.uint32)
        self.offsets.fill(0)
        self.posts = _lines(self.stride * chunks * self.size + 4, np.uint8)
        self.sketches = _lines(self.stride * chunks, np.uint16)

    def post(self, chunks: Sequence[int]) -> None:
        """Fill in the postings of these chunks."""
        room = np.empty(len(self.words), np.uint64)
        for chunk in chunks:
            behind = slice(chunk * self.stride + len(self.words), (chunk + 1) * self.stride)
            self.sketches[behind] = 0
            self.posts[behind.start * self.size : behind.stop * self.size] = 0
            post(self.words, self._place(chunk), self.offsets, self.posts, self.sketches, room)

    def _place(self, chunk: int) -> NDArray[np.int64]:
        shape = layout(self.chunks)
        width = shape.widths[chunk]
        heaps = min((len(self.words) // _HEAP).bit_length(), _MOST_HEAPS, width)
        return np.array([
            shape.starts[chunk], width, (shape.starts[chunk] + width) % 256, shape.covers[chunk],
            shape.offsets[chunk], chunk * self.stride, self.size, max(heaps, width - 16),
        ])  # fmt: skip


def _doubles(parts: _Parts) -> NDArray[np.int64]:
    """Return (kept row, other row) for every row whose hash an earlier row has as well."""
    rows = np.empty(len(parts.words), np.int64)
    buckets = 1 << layout(parts.chunks).widths[0]
    count = doubtful(parts.offsets, buckets, parts.posts, parts.size, parts.sketches, rows)
    rows = np.sort(rows[:count])
    words = parts.words[rows]
    by_value = np.lexsort((rows, *words.T))
    rows, words = rows[by_value], words[by_value]
    same = np.zeros(len(rows), np.bool_)
    same[1:] = (words[1:] == words[:-1]).all(axis=1)
    firsts = np.maximum.accumulate(np.where(same, 0, np.arange(len(rows))))
    return np.stack([rows[firsts[same]], rows[same]], axis=1)


def _each(work: Callable[[Sequence[int]], None], numbers: range, threads: int) -> None:
    """Do the work for all numbers, a share of them in each thread."""
    if threads < 2:
        work(numbers)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, [numbers[first::threads] for first in range(threads)]):
            pass


def _short(ids: NDArray[np.int64] | None) -> Any:
    if ids is None or (
        len(ids) and ids[0] == 0 and ids[-1] == len(ids) - 1 and bool((np.diff(ids) == 1).all())
    ):
        return np.zeros(0, np.uint32)
    fits = not len(ids) or (ids[0] >= 0 and ids[-1] < 2**32)
    return ids.astype(np.uint32) if fits else ids


def _stride(rows: int) -> int:
    return -(-rows // LANES) * LANES


def _post_size(rows: int) -> int:
    return 3 if rows < _SHORT else 4


def _lines(count: int, kind: Any) -> Any:
    """Return an array that begins at a line of the cache; its last line is zero.

    What is made `empty` is given huge pages, which random reads need, and what is made of zeros is
    not.
    """
    size = count * np.dtype(kind).itemsize
    room = np.empty(size + _LINE, np.uint8)
    begin = -room.ctypes.data % _LINE
    made = room[begin : begin + size]
    made[-_LINE:] = 0
    return made.view(kind)
