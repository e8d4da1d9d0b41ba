"""A drop-in index for python-threatexchange and what is built on it (needs that package).

`RingPDQIndex` takes the place of its `PDQIndex`: the same methods, the same answers, and new
entries cost nothing that grows with the index.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from threatexchange.signal_type.index import (
    IndexMatchUntyped,
    SignalSimilarityInfoWithIntDistance,
    SignalTypeIndex,
)

from openhaven.signals.hashes.index.bits import BYTES
from openhaven.signals.hashes.index.pdq_index import RADIUS, PdqIndex


class RingPDQIndex(SignalTypeIndex):  # type: ignore[misc]
    """PDQ hashes, as 64 hexadecimal digits, each with an entry of any kind."""

    def __init__(self, entries: Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__()
        self._pairs: list[tuple[str, Any]] = []
        self._index = PdqIndex.build(np.zeros((0, BYTES), np.uint8))
        self.add_all(entries)

    @classmethod
    def get_match_threshold(cls) -> int:
        """Return the greatest distance of a match, in bits."""
        return RADIUS

    def query(self, query: str) -> list[Any]:
        """Return an `IndexMatch` for each entry within the threshold, nearest first."""
        limit = max(len(self._pairs), 1)
        found = self._index.match_hex(query, self.get_match_threshold(), limit=limit)
        return [
            IndexMatchUntyped(SignalSimilarityInfoWithIntDistance(far), self._pairs[place][1])
            for place, far in found
        ]

    def add(self, signal_str: str, entry: Any) -> None:
        """Add one entry; it matches from the next query on. Raises `ValueError` for no hash."""
        self.add_all([(signal_str, entry)])

    def add_all(self, entries: Iterable[tuple[str, Any]]) -> None:
        """Add entries; the all-zero hash, which stands for a broken picture, never matches."""
        more = list(entries)
        raw = [bytes.fromhex(digits) for digits, _ in more]
        if any(len(one) != BYTES for one in raw):
            raise ValueError("a PDQ hash has 64 hexadecimal digits")
        hashes = np.frombuffer(b"".join(raw), np.uint8).reshape(-1, BYTES)
        begin = len(self._pairs)
        self._pairs.extend(more)
        if begin:
            self._index.add(hashes, np.arange(begin, len(self._pairs)))
        else:
            self._index = PdqIndex.build(hashes)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getstate__(self) -> list[tuple[str, Any]]:
        return self._pairs

    def __setstate__(self, pairs: list[tuple[str, Any]]) -> None:
        self.__init__(pairs)  # type: ignore[misc]
