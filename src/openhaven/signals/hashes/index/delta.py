"""The small, growing part of an index: what was added since the large part was made."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openhaven.signals.hashes.index.bits import Words

_FIRST = 64


class Delta(NamedTuple):
    """Hashes word by word, (4, room), their ids, and which are alive; the first `rows` count.

    A reader keeps the one it began with. Only the owner of the index appends, beyond `rows`.
    """

    words: Words
    ids: NDArray[np.int64]
    alive: NDArray[np.uint8]
    rows: int

    def with_more(self, words: Words, ids: NDArray[np.int64]) -> "Delta":
        """Return this and the given hashes, (n, 4) words; shares memory while there is room."""
        rows = self.rows + len(ids)
        room = len(self.ids)
        held = self if rows <= room else self._copied(max(rows, 2 * room))
        held.words[:, self.rows : rows] = words.T
        held.ids[self.rows : rows] = ids
        held.alive[self.rows : rows] = 1
        return held._replace(rows=rows)

    def kill(self, ids: NDArray[np.int64]) -> int:
        """Take these ids out, for every reader at once; return how many hashes they had."""
        alive = self.alive[: self.rows]
        gone = np.isin(self.ids[: self.rows], ids) & (alive == 1)
        alive[gone] = 0
        return int(gone.sum())

    def after(self, rows: int) -> "Delta":
        """Return what was added behind the first `rows`, in memory of its own."""
        rest = slice(rows, self.rows)
        living = self.alive[rest] == 1
        return EMPTY.with_more(self.words[:, rest].T[living], self.ids[rest][living])

    @property
    def living(self) -> int:
        """Return the number of living hashes."""
        return int(self.alive[: self.rows].sum())

    def _copied(self, room: int) -> "Delta":
        room = -(-max(room, _FIRST) // 8) * 8
        words, ids = np.zeros((4, room), np.uint64), np.zeros(room, np.int64)
        alive = np.zeros(room, np.uint8)
        words[:, : self.rows] = self.words[:, : self.rows]
        ids[: self.rows] = self.ids[: self.rows]
        alive[: self.rows] = self.alive[: self.rows]
        return Delta(words, ids, alive, self.rows)


EMPTY = Delta(np.zeros((4, 0), np.uint64), np.zeros(0, np.int64), np.zeros(0, np.uint8), 0)
