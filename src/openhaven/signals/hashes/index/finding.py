"""Runs the compiled loops over a part of an index, with room that grows as it is needed."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openhaven.signals.hashes.index.bits import Words
from openhaven.signals.hashes.index.delta import Delta
from openhaven.signals.hashes.index.kernels import FULL, look_up, scan, scan_words, sweep
from openhaven.signals.hashes.index.layout import PROBES, WIDEST_RADIUS, Plan, plan
from openhaven.signals.hashes.index.segment import Segment

# A batch of this many queries is swept, in slices, when the postings do not fit the cache anyway.
SWEEP_QUERIES, SWEEP_SLICE, SWEEP_ROWS = 512, 16_384, 200_000
# A query that has more survivors than this scans everything instead, which has a bounded cost.
_PATIENCE, _PATIENCE_SHARE = 16_384, 16
_ROOM, _MOST_ROOM = 512, 4_000_000


class Found(NamedTuple):
    """Matches of a part: number of the query, row, distance; and which queries hit the cap."""

    query: NDArray[np.int64]
    row: NDArray[np.int64]
    far: NDArray[np.uint8]
    capped: NDArray[np.uint8]

    @classmethod
    def joined(cls, parts: "list[Found]") -> "Found":
        """Return the matches of several parts that looked at the same queries."""
        return cls(
            np.concatenate([part.query for part in parts]),
            np.concatenate([part.row for part in parts]),
            np.concatenate([part.far for part in parts]),
            np.maximum.reduce([part.capped for part in parts]),
        )


def find(part: Segment, queries: Words, radius: int, most: int, threads: int) -> Found:
    """Return all rows of the segment within `radius` of the queries, in no particular order.

    `most` rows a query at the most; the queries that had more are told.
    """
    if not part.rows or not len(queries):
        return _nothing(len(queries))
    if len(queries) == 1 and radius <= WIDEST_RADIUS:
        return _one(part, queries, radius, most)
    if radius > WIDEST_RADIUS:
        return _split(lambda some: _scan(part, some, radius, most), queries, threads)
    if len(queries) >= SWEEP_QUERIES and part.rows >= SWEEP_ROWS:
        return _swept(part, queries, radius, most, threads)
    return _split(lambda some: _looked_up(part, some, radius, most), queries, threads)


def find_fresh(part: Delta, queries: Words, radius: int, most: int, threads: int) -> Found:
    """Return all living rows of the delta within `radius` of the queries."""
    if not part.rows:
        return _nothing(len(queries))

    def scanned(some: Words) -> Found:
        def run(sizes: Any, out: Any, far: Any, capped: Any) -> tuple[int, int]:
            return scan_words(  # type: ignore[no-any-return]
                part.words, part.rows, part.alive, some, sizes, out, far, capped
            )

        return _grown(run, len(some), radius, most, (0, 0, 0))

    return _split(scanned, queries, threads)


def _looked_up(part: Segment, queries: Words, radius: int, most: int) -> Found:
    probes = plan(part.chunks, radius)

    def run(sizes: Any, out: Any, far: Any, capped: Any) -> tuple[int, int]:
        return look_up(  # type: ignore[no-any-return]
            part.hashes, part.offsets, part.posts, part.sketches, probes.ring, probes.chunk,
            probes.mask, probes.limit, queries, sizes, out, far, capped,
        )  # fmt: skip

    return _grown(run, len(queries), radius, most, _shape(part))


class _Room(threading.local):
    """Where one thread puts what one query finds; making it anew would cost as much as looking."""

    def __init__(self) -> None:
        self.sizes = np.empty(8, np.int64)
        self.out, self.far = np.empty((2, _ROOM), np.int64), np.empty(_ROOM, np.uint8)
        self.capped = np.zeros(1, np.uint8)


_room = _Room()


def _one(part: Segment, query: Words, radius: int, most: int) -> Found:
    room, probes = _room, plan(part.chunks, radius)
    sizes, out, far = room.sizes, room.out, room.far
    sizes[:] = (0, 1, 0, radius, most, *_shape(part))
    place, count = look_up(
        part.hashes, part.offsets, part.posts, part.sketches, probes.ring, probes.chunk,
        probes.mask, probes.limit, query, sizes, out, far, room.capped,
    )  # fmt: skip
    if not place:
        return _looked_up(part, query, radius, most)
    if not count:
        return _NOTHING
    return Found(out[0, :count].copy(), out[1, :count].copy(), far[:count].copy(),
                 room.capped.copy())  # fmt: skip


def _scan(part: Segment, queries: Words, radius: int, most: int) -> Found:
    def run(sizes: Any, out: Any, far: Any, capped: Any) -> tuple[int, int]:
        return scan(part.hashes, queries, sizes, out, far, capped)  # type: ignore[no-any-return]

    return _grown(run, len(queries), radius, most, _shape(part))


def _grown(
    run: Callable[..., tuple[int, int]], queries: int, radius: int, most: int,
    shape: tuple[int, int, int],
) -> Found:  # fmt: skip
    """Run a loop again from where it stopped, with twice the room, until all queries are done."""
    sizes = np.array([0, queries, 0, radius, most, *shape], np.int64)
    capped = np.zeros(queries, np.uint8)
    room = _ROOM
    out, far = np.empty((2, room), np.int64), np.empty(room, np.uint8)
    while True:
        place, count = run(sizes, out, far, capped)
        if place >= queries:
            return Found(out[0, :count], out[1, :count], far[:count], capped)
        sizes[0], sizes[2] = place, count
        room *= 2
        longer, further = np.empty((2, room), np.int64), np.empty(room, np.uint8)
        longer[:, :count], further[:count] = out[:, :count], far[:count]
        out, far = longer, further


def _swept(part: Segment, queries: Words, radius: int, most: int, threads: int) -> Found:
    slices = range(0, len(queries), SWEEP_SLICE)
    parts = [
        _sweep_slice(part, queries[begin : begin + SWEEP_SLICE], radius, most, threads)
        for begin in slices
    ]
    return _in_a_row(parts, list(slices))


def _sweep_slice(part: Segment, queries: Words, radius: int, most: int, threads: int) -> Found:
    """Sweep each thread's share of the chunks; queries that find too much are looked up alone."""
    probes = plan(part.chunks, radius)
    edges = np.linspace(0, part.chunks, threads + 1).astype(int).tolist()

    def work(share: tuple[int, int]) -> tuple[Found, NDArray[np.int64]]:
        return _sweep_chunks(part, probes, queries, radius, share)

    shares = list(pairwise(edges))
    if threads < 2:
        done = [work(share) for share in shares]
    else:
        with ThreadPoolExecutor(threads) as pool:
            done = list(pool.map(work, shares))
    found = Found.joined([one for one, _ in done])
    over = np.maximum.reduce([survivors for _, survivors in done]) > _shape(part)[2]
    over |= np.bincount(found.query, minlength=len(queries)) > most
    if not over.any():
        return found
    kept = ~over[found.query]
    alone = np.flatnonzero(over)
    again = _looked_up(part, np.ascontiguousarray(queries[alone]), radius, most)
    capped = np.zeros(len(queries), np.uint8)
    capped[alone] = again.capped
    return Found(
        np.concatenate([found.query[kept], alone[again.query]]),
        np.concatenate([found.row[kept], again.row]),
        np.concatenate([found.far[kept], again.far]),
        capped,
    )


def _sweep_chunks(
    part: Segment, probes: Plan, queries: Words, radius: int, share: tuple[int, int]
) -> tuple[Found, NDArray[np.int64]]:
    most_probes = int(probes.ring[:, PROBES].max())
    pairs = np.empty(max(most_probes, 1) * len(queries), np.uint64)
    room = max(_ROOM, 2 * len(queries))
    sizes = np.array([*share, 0, radius, 0, *_shape(part)], np.int64)
    while True:
        survivors = np.zeros(len(queries), np.int64)
        out, far = np.empty((2, room), np.int64), np.empty(room, np.uint8)
        count = sweep(
            part.hashes, part.offsets, part.posts, part.sketches, probes.ring, probes.mask,
            probes.limit, queries, sizes, out, far, survivors, pairs,
        )  # fmt: skip
        if count != FULL:
            nothing = np.zeros(len(queries), np.uint8)
            return Found(out[0, :count], out[1, :count], far[:count], nothing), survivors
        room *= 4
        if room > _MOST_ROOM:  # these queries are looked up, under their cap
            return _nothing(len(queries)), np.full(len(queries), part.rows + _PATIENCE)


def _split(work: Callable[[Words], Found], queries: Words, threads: int) -> Found:
    threads = min(threads, len(queries))
    if threads < 2:
        return work(queries)
    edges = np.linspace(0, len(queries), threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda pair: work(queries[pair[0] : pair[1]]),
                              pairwise(edges)))  # fmt: skip
    return _in_a_row(parts, edges)


def _in_a_row(parts: list[Found], begins: list[int]) -> Found:
    return Found(
        np.concatenate([part.query + begin for part, begin in zip(parts, begins, strict=False)]),
        np.concatenate([part.row for part in parts]),
        np.concatenate([part.far for part in parts]),
        np.concatenate([part.capped for part in parts]),
    )


def _shape(part: Segment) -> tuple[int, int, int]:
    return part.stride, part.post_size, max(_PATIENCE, part.rows // _PATIENCE_SHARE)


def _nothing(queries: int) -> Found:
    none = np.zeros(0, np.int64)
    return Found(none, none, np.zeros(0, np.uint8), np.zeros(queries, np.uint8))


_NOTHING = _nothing(1)
