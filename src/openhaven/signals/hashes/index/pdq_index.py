"""`PdqIndex`: every hash within a distance, exactly, in microseconds."""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openhaven.signals.hashes.index import file as files
from openhaven.signals.hashes.index.bits import (
    BYTES,
    Words,
    checked,
    hashes_of,
    words_of,
    words_of_one,
)
from openhaven.signals.hashes.index.delta import EMPTY, Delta
from openhaven.signals.hashes.index.finding import Found, find, find_fresh
from openhaven.signals.hashes.index.layout import BITS
from openhaven.signals.hashes.index.segment import Segment, build

Ids = NDArray[np.int64]

RADIUS = 31
MIN_QUALITY = 50
LIMIT = 10_000
MERGE_AFTER = 65_536
_ZERO = "all bits are zero; such a hash stands for an empty or broken picture"
_NO_IDS = np.zeros(0, np.int64)


class Refused(NamedTuple):
    """A hash that was not taken: its place in what was given, from 0, and why."""

    place: int
    reason: str


class Matches(NamedTuple):
    """One row a match, in order of query, distance and id.

    `capped` names the queries that had more matches than the limit; of theirs some are missing.
    """

    query: NDArray[np.int64]
    id: Ids
    distance: NDArray[np.uint8]
    capped: NDArray[np.int64]


class _State(NamedTuple):
    """What a query looks at. `dead` are ids that were taken out of `main`."""

    main: Segment
    dead: set[int]
    gone: int
    delta: Delta


def start(main: Segment) -> _State:
    """Return the state of an index that nothing was added to or removed from."""
    return _State(main, set(), 0, EMPTY)


class PdqIndex:
    """An exact index of 256-bit hashes. Safe for threads: queries never wait for a writer.

    A large immutable part is looked up through the ring (`layout.py`), what was added since is
    scanned, and what was removed is left out, both from the next query on. `merge` makes one large
    part of all; it starts by itself in the background after `merge_after` changes (None: never).
    """

    def __init__(
        self, main: Segment, refused: Sequence[Refused] = (), merge_after: int | None = MERGE_AFTER
    ) -> None:
        self.refused = tuple(refused)
        self.merge_after = merge_after
        self.trouble = ""
        self._state = start(main)
        self._writing = threading.Lock()
        self._merging = threading.Lock()

    @classmethod
    def build(
        cls,
        hashes: ArrayLike,
        ids: ArrayLike | None = None,
        quality: ArrayLike | None = None,
        *,
        threads: int | None = None,
        chunks: int | None = None,
        merge_after: int | None = MERGE_AFTER,
    ) -> "PdqIndex":
        """Return the index of `hashes`, uint8 (n, 32), with int64 `ids` (default: 0 to n-1).

        All-zero hashes, and those whose `quality` (0 to 100) is given and under 50, are left out
        and told in `refused`. Equal hashes share a row. An id may have several hashes. `chunks`, 12
        to 32, are chosen by size. Raises `ValueError` for arrays of another shape or type.
        """
        given = checked(hashes)
        numbers = None if ids is None else checked_ids(ids, len(given))
        taken, refused = sieved(given, quality)
        if refused:
            numbers = np.flatnonzero(taken) if numbers is None else numbers[taken]
            given = given[taken]
        workers = threads or _processors()
        return cls(build(words_of(given, workers), numbers, chunks, workers), refused, merge_after)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, check: bool = False) -> "PdqIndex":
        """Return the index saved at `path`, mapped into memory: milliseconds at any size.

        A truncated file, or one of another version or machine, is refused at once, `check` also
        reads the large parts through (about a second a gigabyte). Changes stay in memory. Raises
        `IndexFileError`, or `OSError` when there is no such file.
        """
        opened = files.open_file(Path(path))
        if check:
            files.verify(Path(path), opened, files.CHECKED_AT_ONCE)
        return cls(opened.segment)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Merge, and write the index to `path`; what stood there is replaced only at the end.

        Raises `OSError` when it cannot be written; the old file then stands as it was.
        """
        self.merge()
        files.save(self._state.main, Path(path))

    def search(
        self,
        queries: ArrayLike,
        radius: int = RADIUS,
        threads: int = 1,
        limit: int = LIMIT,
    ) -> Matches:
        """Return every hash at most `radius` (0 to 255) bits from each of `queries`, uint8 (q, 32).

        Exact at any radius; fast up to 47. At most `limit` matches a query are given back.
        """
        given = checked(queries)
        if not 0 <= radius < BITS or limit < 1 or threads < 1:
            raise ValueError("radius is 0 to 255, limit and threads are at least 1")
        return self._search(words_of(given), radius, threads, limit)

    def match_hex(
        self, value: str, radius: int = RADIUS, limit: int = LIMIT
    ) -> list[tuple[int, int]]:
        """Return (id, distance) of every hash at most `radius` bits from 64 hexadecimal digits.

        Nearest first. Raises `ValueError` for anything else than 64 digits.
        """
        raw = bytes.fromhex(value)
        if len(raw) != BYTES:
            raise ValueError("a hash has 64 hexadecimal digits")
        found = self._search(words_of_one(raw), radius, 1, limit)
        if not len(found.id):
            return []
        return list(zip(found.id.tolist(), found.distance.tolist(), strict=True))

    def add(
        self, hashes: ArrayLike, ids: ArrayLike, quality: ArrayLike | None = None
    ) -> tuple[Refused, ...]:
        """Add hashes, uint8 (n, 32), with int64 `ids`; they match from the next query on.

        Returns those that were refused, as `build` does.
        """
        given = checked(hashes)
        numbers = checked_ids(ids, len(given))
        taken, refused = sieved(given, quality)
        self._put(words_of(given[taken]), numbers[taken])
        self._merge_if_due()
        return refused

    def remove(self, ids: ArrayLike) -> None:
        """Take all hashes of these ids out, from the next query on; unknown ids do no harm."""
        self._drop(np.unique(np.asarray(ids, np.int64)))
        self._merge_if_due()

    def merge(self) -> None:
        """Make one large part of everything. Queries and changes go on meanwhile."""
        with self._merging:
            with self._writing:
                begun = self._state
                dead, rows = set(begun.dead), begun.delta.rows
                alive = begun.delta.alive[:rows].copy()
            if not dead and not rows:
                return
            main = merged(begun, dead, alive)
            with self._writing:
                self._state = _after(self._state, main, dead, alive)

    @property
    def nbytes(self) -> int:
        """Return the bytes of the large part's arrays."""
        return self._state.main.nbytes

    @property
    def pending(self) -> int:
        """Return how many changes wait for the next merge."""
        return self._state.delta.rows + len(self._state.dead)

    def __len__(self) -> int:
        """Return the number of living pairs of hash and id."""
        state = self._state
        return state.main.pairs - state.gone + state.delta.living

    def pairs(self) -> tuple[NDArray[np.uint8], Ids]:
        """Return all living hashes, uint8 (n, 32), and their ids, in no particular order."""
        state = self._state
        words, ids = _living(state, state.dead, state.delta.alive[: state.delta.rows])
        return hashes_of(words), ids

    def _put(self, words: Words, ids: Ids) -> None:
        with self._writing:
            state = self._state
            self._state = state._replace(delta=state.delta.with_more(words, ids))

    def _drop(self, ids: Ids) -> None:
        with self._writing:
            state = self._state
            known = [number in state.dead for number in ids.tolist()]
            new = np.unique(ids[~np.array(known, np.bool_)])
            gone = state.main.owned_by(new)
            state.dead.update(new.tolist())
            state.delta.kill(ids)
            self._state = state._replace(gone=state.gone + gone)

    def _search(self, queries: Words, radius: int, threads: int, limit: int) -> Matches:
        state = self._state
        # So many may be found of `main` and be dead.
        most = limit + state.gone
        old = find(state.main, queries, radius, most, threads)
        if not len(old.query) and not state.delta.rows:
            return Matches(old.query, old.query, old.far, _NO_IDS)
        query, ids, far = _owned(state.main, old, state.dead)
        capped = old.capped
        if state.delta.rows:
            new = find_fresh(state.delta, queries, radius, limit, threads)
            query = np.concatenate([query, new.query])
            ids = np.concatenate([ids, state.delta.ids[new.row]])
            far = np.concatenate([far, new.far])
            capped = capped | new.capped
        if len(query) > 1:
            return _in_order(query, ids, far, capped, limit)
        return Matches(query, ids, far, np.flatnonzero(capped) if len(query) else _NO_IDS)

    def _merge_quietly(self) -> None:
        try:
            self.merge()
        except (OSError, MemoryError) as error:  # matching goes on with what there is
            self.trouble = f"not merged since {time.time():.0f}: {error}"

    def _merge_if_due(self) -> None:
        due = self.merge_after is not None and self.pending > max(
            self.merge_after, self._state.main.rows // 64
        )
        if due and not self._merging.locked():
            threading.Thread(
                target=self._merge_quietly, name="pdq-index-merge", daemon=True
            ).start()


def _owned(part: Segment, found: Found, dead: set[int]) -> tuple[Ids, Ids, NDArray[np.uint8]]:
    """Return query, id and distance for each living owner of the rows found."""
    query, ids, far = found.query, part.ids_at(found.row), found.far
    if not len(query):
        return query, ids, far
    if len(part.more_rows):
        first = np.searchsorted(part.more_rows, found.row)
        more = np.searchsorted(part.more_rows, found.row, "right") - first
        source = np.repeat(np.arange(len(query)), more)
        within = np.arange(len(source)) - np.repeat(np.cumsum(more) - more, more)
        ids = np.concatenate([ids, part.more_ids[first[source] + within]])
        query = np.concatenate([query, query[source]])
        far = np.concatenate([far, far[source]])
    if dead:
        living = np.array([number not in dead for number in ids.tolist()], np.bool_)
        query, ids, far = query[living], ids[living], far[living]
    return query, ids, far


def _in_order(
    query: Ids, ids: Ids, far: NDArray[np.uint8], over: NDArray[np.uint8], limit: int
) -> Matches:
    """Sort matches, drop what was found twice, and keep `limit` a query, the nearest."""
    by = np.lexsort((ids, far, query))
    query, ids, far = query[by], ids[by], far[by]
    new = np.ones(len(query), np.bool_)
    new[1:] = (query[1:] != query[:-1]) | (ids[1:] != ids[:-1]) | (far[1:] != far[:-1])
    query, ids, far = query[new], ids[new], far[new]
    starts = np.searchsorted(query, query)
    within = np.arange(len(query)) - starts < limit
    capped = np.union1d(np.flatnonzero(over), query[~within])
    return Matches(query[within], ids[within], far[within], capped)


def _living(state: _State, dead: set[int], alive: NDArray[np.uint8]) -> tuple[Words, Ids]:
    """Return words and ids of all that lives in a state, by these lists of the dead and living."""
    main, delta = state.main, state.delta
    words, ids = main.hashes, main.first_ids()
    if len(main.more_ids):
        words = np.concatenate([words, main.hashes[main.more_rows]])
        ids = np.concatenate([ids, main.more_ids])
    if dead:
        living = ~np.isin(ids, np.fromiter(dead, np.int64, len(dead)))
        words, ids = words[living], ids[living]
    kept = np.flatnonzero(alive)
    if len(kept):
        words = np.concatenate([words, delta.words[:, kept].T])
        ids = np.concatenate([ids, delta.ids[kept]])
    return words, ids


def merged(state: _State, dead: set[int], alive: NDArray[np.uint8]) -> Segment:
    """Return one segment of all that lives in a state, by these lists of the dead and living."""
    words, ids = _living(state, dead, alive)
    return build(np.ascontiguousarray(words), ids, None, _processors())


def _after(state: _State, main: Segment, dead: set[int], alive: NDArray[np.uint8]) -> _State:
    """Return the state with `main` in place of what it was merged from, later changes kept."""
    rows = len(alive)
    killed = (alive == 1) & (state.delta.alive[:rows] == 0)
    later = (state.dead - dead) | set(state.delta.ids[:rows][killed].tolist())
    gone = main.owned_by(np.fromiter(later, np.int64, len(later))) if later else 0
    return _State(main, later, gone, state.delta.after(rows))


def sieved(
    hashes: NDArray[np.uint8], quality: ArrayLike | None
) -> tuple[NDArray[np.bool_], tuple[Refused, ...]]:
    """Return which hashes can be used, and why the others cannot."""
    words = np.ascontiguousarray(hashes).view(np.uint64)
    zero = words[:, 0] == 0  # few have even a quarter of zeros, and only they are read whole
    zero[zero] = ~words[zero].any(axis=1)
    low = np.zeros(len(hashes), np.bool_)
    refused = [Refused(place, _ZERO) for place in np.flatnonzero(zero).tolist()]
    if quality is not None:
        told = np.asarray(quality)
        if told.shape != (len(hashes),):
            raise ValueError("there must be one quality for each hash")
        low = (told < MIN_QUALITY) & ~zero
        refused += [
            Refused(
                place, f"quality {told[place]} is under {MIN_QUALITY}; it would match at random"
            )
            for place in np.flatnonzero(low).tolist()
        ]
    return ~(zero | low), tuple(sorted(refused))


def checked_ids(ids: ArrayLike, count: int) -> Ids:
    array = np.asarray(ids)
    if array.shape != (count,) or (count and array.dtype.kind not in "iu"):
        raise ValueError(f"there must be one whole number as id for each of {count} hashes")
    return array.astype(np.int64)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
