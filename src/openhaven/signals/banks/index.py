"""Immutable sets of entries in flat arrays, found exactly or within a distance."""

import hashlib
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openhaven.signals.banks.model import Row

if TYPE_CHECKING:
    from openhaven.signals.hashes import PdqIndex

RING_FROM = 50_000  # entries from which on a scan takes longer than people notice in sum
WIDTHS = {"sha256": 32, "sha1": 20, "md5": 16, "pdq": 32, "link": 16}
UNTOLD = -1


def key_of(kind: str, value: bytes) -> bytes:
    """Return the fixed-length key of a value: links, which have any length, are digested."""
    return hashlib.blake2b(value, digest_size=16).digest() if kind == "link" else value


class Words:
    """Words that many entries share, each kept once and named by a number. Only ever grows."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._words: list[str] = []

    def number(self, word: str) -> int:
        """Return the number of `word`, giving it one when it is new."""
        found = self._numbers.get(word)
        if found is None:
            found = self._numbers[word] = len(self._words)
            self._words.append(word)
        return found

    def __getitem__(self, number: int) -> str:
        return self._words[number]


class Columns(NamedTuple):
    """Entries of one kind, column by column; `quality` is -1 where none was told."""

    keys: NDArray[np.bytes_]
    ids: NDArray[np.int64]
    banks: NDArray[np.int32]
    quality: NDArray[np.int16]
    provenance: NDArray[np.int32]

    def where(self, mask: NDArray[np.bool_] | NDArray[np.int64]) -> "Columns":
        """Return the entries at these places, in that order."""
        return Columns(
            self.keys[mask],
            self.ids[mask],
            self.banks[mask],
            self.quality[mask],
            self.provenance[mask],
        )

    def with_more(self, more: "Columns") -> "Columns":
        """Return these entries followed by `more`."""
        return Columns(
            np.concatenate([self.keys, more.keys]),
            np.concatenate([self.ids, more.ids]),
            np.concatenate([self.banks, more.banks]),
            np.concatenate([self.quality, more.quality]),
            np.concatenate([self.provenance, more.provenance]),
        )


def columns(kind: str, rows: Iterable[Row], words: Words) -> Columns:
    """Return the rows of one kind as columns."""
    listed = list(rows)
    quality = [UNTOLD if row.quality is None else row.quality for row in listed]
    return Columns(
        np.array([key_of(kind, row.value) for row in listed], f"S{WIDTHS[kind]}"),
        np.array([row.id for row in listed], np.int64),
        np.array([words.number(row.bank) for row in listed], np.int32),
        np.array(quality, np.int16),
        np.array([words.number(row.provenance) for row in listed], np.int32),
    )


class Exact:
    """Entries of a kind that matches byte by byte."""

    def __init__(self, entries: Columns) -> None:
        self.entries = entries.where(np.argsort(entries.keys, kind="stable"))

    def find(self, key: bytes, radius: int = 0) -> list[tuple[int, int]]:
        """Return the place and the distance (0) of every entry with this key."""
        del radius
        keys = self.entries.keys
        wanted = np.array(key, keys.dtype)
        first, last = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, "right")
        return [(place, 0) for place in range(int(first), int(last))]


class Near:
    """Perceptual hashes, found within a Hamming distance.

    Few are scanned: they lie word by word, so that half of a scan is enough to drop all but a few
    in a million. Many are put into a ring (`docs/matching.md`) by a thread of its own, and scanned
    until that is done, so that nothing waits for it.
    """

    def __init__(self, entries: Columns) -> None:
        self.entries = entries
        self.ring: PdqIndex | None = None
        self._words = np.ascontiguousarray(entries.keys.view(np.uint64).reshape(-1, 4).T)
        if len(entries.ids) >= RING_FROM:
            threading.Thread(target=self._lay, name="bank-ring", daemon=True).start()

    def find(self, key: bytes, radius: int = 0) -> list[tuple[int, int]]:
        """Return place and distance (bits of 256) of every entry at most `radius` away."""
        if self.ring is not None:
            return self.ring.match_hex(key.hex(), radius, limit=len(self.entries.ids))
        return self._scanned(key, radius)

    def _scanned(self, key: bytes, radius: int) -> list[tuple[int, int]]:
        wanted = np.frombuffer(key, np.uint64)
        half = np.bitwise_count(self._words[0] ^ wanted[0])
        half += np.bitwise_count(self._words[1] ^ wanted[1])
        places = np.flatnonzero(half <= radius)
        rest = np.bitwise_count(self._words[2:, places] ^ wanted[2:, None]).sum(0, np.int64)
        distances = rest + half[places]
        near = distances <= radius
        return list(zip(places[near].tolist(), distances[near].tolist(), strict=True))

    def _lay(self) -> None:
        # The compiler behind it costs memory and time to load: only who has many entries pays.
        from openhaven.signals.hashes import PdqIndex

        hashes = self.entries.keys.view(np.uint8).reshape(-1, WIDTHS["pdq"])
        ring = PdqIndex.build(hashes, threads=1, merge_after=None)
        ring.match_hex(hashes[0].tobytes().hex())  # compiled now, not at somebody's upload
        if not ring.refused:
            self.ring = ring


Index = Exact | Near


def index(kind: str, entries: Columns) -> Index:
    """Return the index for this kind of entries."""
    return Near(entries) if kind == "pdq" else Exact(entries)
