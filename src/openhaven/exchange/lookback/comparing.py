"""Comparing: the new entries are laid out once, and pages of media stream past them. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openhaven.exchange.lookback.store import Page
from openhaven.signals.banks.model import LENGTHS

if TYPE_CHECKING:
    from openhaven.signals.hashes import PdqIndex as Ring

# So many hashes are scanned one by one, which costs less than to load a compiler for them.
SCANNED = 64
_LIMIT = 1_000  # of entries for one piece of media


class Hit(NamedTuple):
    """What an entry matches: a piece of media, or (by its number) an event.

    `distance` is in bits, 0 for exact kinds.
    """

    media: str
    entry: int
    distance: int
    subject: str = ""

    @property
    def about(self) -> str:
        """What of the event matched, in the words of findings."""
        return self.subject or f"media:{self.media}"


class Sieve:
    """Entries (ids and values) of one kind, ready to be compared with pages of media."""

    def __init__(self, kind: str, entries: Sequence[tuple[int, bytes]], radius: int) -> None:
        self._width, self._radius = LENGTHS[kind], radius
        self._ids = np.array([number for number, _ in entries], np.int64)
        raw = b"".join(value for _, value in entries)
        self._exact = kind != "pdq"
        self._values = np.frombuffer(raw, f"S{self._width}")
        self._ring: Ring | None = None
        if self._exact:
            order = np.argsort(self._values, kind="stable")
            self._ids, self._values = self._ids[order], self._values[order]
        elif len(entries) > SCANNED:
            from openhaven.signals.hashes import PdqIndex

            hashes = np.frombuffer(raw, np.uint8).reshape(-1, self._width)
            self._ring = PdqIndex.build(hashes, self._ids, merge_after=None, threads=1)

    def __len__(self) -> int:
        return len(self._ids)

    def hits(self, page: Page) -> list[Hit]:
        """Return each pair of a piece of media and an entry once, at its nearest."""
        if not page.values or not len(self._ids):
            return []
        if self._exact:
            places, ids, far = self._same(page)
        elif self._ring is None:
            places, ids, far = self._scanned(page)
        else:
            given = np.frombuffer(page.values, np.uint8).reshape(-1, self._width)
            found = self._ring.search(given, self._radius, limit=_LIMIT)
            places, ids, far = found.query, found.id, found.distance.astype(np.int64)
        return _nearest(page, places, ids, far)

    def _same(self, page: Page) -> tuple[NDArray[np.int64], ...]:
        given = np.frombuffer(page.values, f"S{self._width}")
        near = np.searchsorted(self._values, given)
        near[near == len(self._values)] = 0
        places = np.flatnonzero(self._values[near] == given)
        return places, self._ids[near[places]], np.zeros_like(places)

    def _scanned(self, page: Page) -> tuple[NDArray[np.int64], ...]:
        given = np.frombuffer(page.values, np.uint64).reshape(-1, 4).T.copy()
        found: list[tuple[NDArray[np.int64], ...]] = []
        wanted = np.frombuffer(self._values.tobytes(), np.uint64).reshape(-1, 4)
        for number, words in zip(self._ids, wanted, strict=True):
            half = np.bitwise_count(given[0] ^ words[0]) + np.bitwise_count(given[1] ^ words[1])
            places = np.flatnonzero(half <= self._radius)
            rest = np.bitwise_count(given[2:, places] ^ words[2:, None]).sum(0, np.int64)
            far = rest + half[places]
            near = far <= self._radius
            found.append((places[near], np.full(near.sum(), number, np.int64), far[near]))
        return tuple(np.concatenate(column) for column in zip(*found, strict=True))


def _nearest(
    page: Page, places: NDArray[np.int64], ids: NDArray[np.int64], far: NDArray[np.int64]
) -> list[Hit]:
    if not len(places):
        return []
    names = page.ids.split(",")
    best: dict[tuple[str, int], int] = {}
    for place, entry, distance in zip(places.tolist(), ids.tolist(), far.tolist(), strict=True):
        pair = (names[place], entry)
        best[pair] = min(distance, best.get(pair, distance))
    return [Hit(media, entry, distance) for (media, entry), distance in best.items()]
