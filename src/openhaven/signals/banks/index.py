"""Immutable sets of entries in flat arrays, found exactly or within a distance."""

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openhaven.signals.banks.model import FRAME, Row
from openhaven.signals.hashes import hashers

if TYPE_CHECKING:
    from openhaven.signals.hashes import PdqIndex

RING_FROM = 50_000  # entries from which on a scan takes longer than people notice in sum
HASH = 32  # the bytes of a perceptual hash, with which a key begins
NEAR = frozenset({"pdq", "text", "video"})
# A film's frame has its moment behind its hash, a hashed link and a plugin's hash their length.
WIDTHS = {"sha256": 32, "sha1": 20, "md5": 16, "pdq": 32, "link": 16, "text": 32, "video": 36,
          "link-hash": 33, "plugin": 192}  # fmt: skip
_AFTER = {"video": 4, "link-hash": 1, "plugin": 1}
_SHORTEST = 4
UNTOLD = -1


def key_of(kind: str, value: bytes) -> bytes:
    """Return the fixed-length key of a value: links, which have any length, are digested."""
    if kind == "link":
        return hashlib.blake2b(value, digest_size=16).digest()
    if kind in ("link-hash", "plugin"):
        return value.ljust(WIDTHS[kind] - 1, b"\0") + len(value).to_bytes(1)
    return value


def asked_of(kind: str, value: bytes) -> bytes | None:
    """Return what an index of this kind is asked for a value; None for one of a wrong length."""
    if kind == "plugin":
        return value if 0 < len(value) < WIDTHS[kind] else None
    key = hashlib.blake2b(value, digest_size=16).digest() if kind == "link" else value
    return key if len(key) == (HASH if kind in _AFTER else WIDTHS[kind]) else None


def extra_of(kind: str, key: bytes) -> int:
    """Return the number that stands behind the hash in a key, 0 where there is none."""
    after = _AFTER.get(kind, 0)
    return int.from_bytes(key.ljust(WIDTHS[kind], b"\0")[-after:]) if after else 0


class Words:
    """Words that many entries share, each kept once and named by a number. Only ever grows.

    The first ones may stand in a file: they are read when they are asked for, and a word that comes
    again is given a new number, which does no harm.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._words: list[str] = []
        self._ends: NDArray[np.int64] = np.zeros(0, np.int64)
        self._text: NDArray[np.uint8] = np.zeros(0, np.uint8)

    @classmethod
    def kept(
        cls, ends: NDArray[np.int64], text: NDArray[np.uint8], known: Iterable[int]
    ) -> "Words":
        """Return words that lie one behind the other in UTF-8, by where each ends.

        Those in `known`, by number, keep their number when they come again.
        """
        words = cls()
        words._ends, words._text = ends, text
        words._numbers = {words[number]: number for number in known}
        return words

    def to_keep(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return all words as `kept` takes them."""
        raw = [word.encode() for word in self._words]
        before = len(self._text)
        ends = np.cumsum([len(one) for one in raw], dtype=np.int64) + before
        text = np.frombuffer(b"".join(raw), np.uint8)
        return np.concatenate([self._ends, ends]), np.concatenate([self._text, text])

    def number(self, word: str) -> int:
        """Return the number of `word`, giving it one when it is new."""
        found = self._numbers.get(word)
        if found is None:
            found = self._numbers[word] = len(self)
            self._words.append(word)
        return found

    def __len__(self) -> int:
        return len(self._ends) + len(self._words)

    def __getitem__(self, number: int) -> str:
        """Return the word of this number, or "" for one that only a damaged file can name."""
        if not 0 <= number < len(self):
            return ""
        if number >= len(self._ends):
            return self._words[number - len(self._ends)]
        begin = int(self._ends[number - 1]) if number else 0
        return bytes(self._text[begin : int(self._ends[number])]).decode()


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
        return joined([self, more])


def joined(parts: Sequence[Columns]) -> Columns:
    """Return the entries of one kind one part behind the other."""
    made: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Columns(*made)


def columns(kind: str, rows: Iterable[Row], words: Words) -> Columns:
    """Return the rows of one kind as columns, a film as one for each of its frames."""
    listed = list(rows) if kind != "video" else [one for row in rows for one in _frames(row)]
    quality = [UNTOLD if row.quality is None else row.quality for row in listed]
    return Columns(
        np.array([key_of(kind, row.value) for row in listed], f"S{WIDTHS[kind]}"),
        np.array([row.id for row in listed], np.int64),
        np.array([words.number(row.bank) for row in listed], np.int32),
        np.array(quality, np.int16),
        np.array([words.number(row.provenance) for row in listed], np.int32),
    )


def _frames(row: Row) -> Iterator[Row]:
    for at in range(0, len(row.value), FRAME):
        yield row._replace(value=row.value[at : at + FRAME])


class Found(NamedTuple):
    """Places of entries, and how far they are."""

    places: NDArray[np.int64]
    far: NDArray[np.int64]


class Exact:
    """Entries of a kind that matches byte by byte; those of a file are in order."""

    def __init__(self, entries: Columns, *, kept: bool = False) -> None:
        self.kept = kept
        self.ring = None
        by_key = None if kept else np.argsort(entries.keys, kind="stable")
        self.entries = entries if by_key is None else entries.where(by_key)

    def __len__(self) -> int:
        return len(self.entries.ids)

    def find(self, key: bytes, radius: int = 0) -> Found:
        """Return the place and the distance (0) of every entry with this key."""
        del radius
        keys = self.entries.keys
        wanted = np.array(key, keys.dtype)
        first, last = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, "right")
        places = np.arange(int(first), int(last), dtype=np.int64)
        return Found(places, np.zeros_like(places))

    def holds(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of these ids that are here."""
        return ids[np.isin(ids, self.entries.ids)] if len(ids) else ids


class Near:
    """Perceptual hashes, found within a Hamming distance; in order of their ids.

    Few are scanned: they lie word by word, so that half of a scan is enough to drop all but a few
    in a million. Many are put into a ring (`docs/matching.md`): one that is given, or, where it is
    asked for, one that a thread of its own lays, and until it is done all are scanned.
    """

    def __init__(
        self,
        entries: Columns,
        ring: "PdqIndex | None" = None,
        *,
        lay: bool = False,
        kept: bool = False,
    ) -> None:
        self.kept = kept
        self.ring = ring
        if ring is None and not bool((np.diff(entries.ids) >= 0).all()):
            entries = entries.where(np.argsort(entries.ids, kind="stable"))
        self.entries = entries
        self._words = np.zeros((4, 0), np.uint64)
        if ring is None:
            self._words = np.ascontiguousarray(_hashes(entries).view(np.uint64).T)
        if lay and len(entries.ids) >= RING_FROM:
            threading.Thread(target=self._lay, name="bank-ring", daemon=True).start()

    def __len__(self) -> int:
        return len(self.entries.ids)

    def find(self, key: bytes, radius: int = 0) -> Found:
        """Return place and distance (bits of 256) of every entry at most `radius` away."""
        if self.ring is None:
            return self._scanned(key, radius)
        query = np.frombuffer(key, np.uint8).reshape(1, -1)
        found = self.ring.search(query, radius, limit=max(len(self.entries.ids), 1))
        return Found(found.id, found.distance.astype(np.int64))

    def holds(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of these ids that are here."""
        mine = self.entries.ids
        if not len(mine):
            return ids[:0]
        there: NDArray[np.bool_] = mine[np.searchsorted(mine[:-1], ids)] == ids
        return ids[there]

    def _scanned(self, key: bytes, radius: int) -> Found:
        wanted = np.frombuffer(key, np.uint64)
        half = np.bitwise_count(self._words[0] ^ wanted[0])
        half += np.bitwise_count(self._words[1] ^ wanted[1])
        places = np.flatnonzero(half <= radius)
        rest = np.bitwise_count(self._words[2:, places] ^ wanted[2:, None]).sum(0, np.int64)
        distances = rest + half[places]
        near = distances <= radius
        return Found(places[near], distances[near])

    def _lay(self) -> None:
        self.ring = ring_of(self.entries, threads=1)


class Prefixes(Exact):
    """Beginnings of SHA-256 hashes, 4 to 32 bytes each; those of a file are in order."""

    def find(self, key: bytes, radius: int = 0) -> Found:
        """Return the places of every entry that a whole hash begins with."""
        del radius
        keys = self.entries.keys
        first = np.searchsorted(keys, np.array(key[:_SHORTEST], keys.dtype))
        last = np.searchsorted(keys, np.array(key + b"\xff", keys.dtype), "right")
        begun = [
            place for place in range(int(first), int(last)) if _begins(bytes(keys[place]), key)
        ]
        places = np.array(begun, np.int64)
        return Found(places, np.zeros_like(places))


def _begins(entry: bytes, key: bytes) -> bool:
    return key.startswith(entry[: entry[-1]])


class Plugged(Exact):
    """Hashes that only plugins compute, all compared with one of the same plugin and length."""

    def find(self, key: bytes, radius: int = 0) -> Found:
        """Return place and distance of every entry at most `radius` away, as its plugin counts."""
        name, _, hashed = key.partition(b"\0")
        keys = self.entries.keys
        first = np.searchsorted(keys, np.array(name + b"\0", keys.dtype))
        last = np.searchsorted(keys, np.array(name + b"\1", keys.dtype))
        rows = keys[first:last].view(np.uint8).reshape(-1, keys.dtype.itemsize)
        same = np.flatnonzero(rows[:, -1] == len(key))
        begin = len(name) + 1
        hashes = np.ascontiguousarray(rows[same, begin : begin + len(hashed)])
        far = hashers.distances(name.decode(), hashes, np.frombuffer(hashed, np.uint8))
        near = far <= radius
        return Found(same[near] + first, far[near])


Index = Exact | Near


def index(kind: str, entries: Columns, *, lay: bool = False) -> Index:
    """Return the index for this kind of entries, which `lay`s itself into a ring if it is large."""
    if kind in NEAR:
        return Near(entries, lay=lay)
    return exact(kind, entries)


def exact(kind: str, entries: Columns, *, kept: bool = False) -> Exact:
    """Return the index for entries of a kind that is not near."""
    shape = {"link-hash": Prefixes, "plugin": Plugged}.get(kind, Exact)
    return shape(entries, kept=kept)


def laid(kind: str, entries: Columns) -> Index:
    """Return the index for this kind of entries, in a ring if it is for pictures."""
    if kind not in NEAR or not len(entries.ids):
        return index(kind, entries)
    return with_ring(entries, threads=1)


def with_ring(entries: Columns, threads: int) -> Near:
    """Return picture hashes, of which there is at least one, that are laid into a ring."""
    near = Near(entries)
    return Near(near.entries, ring_of(near.entries, threads))


def ring_of(entries: Columns, threads: int) -> "PdqIndex | None":
    """Return picture hashes laid into a ring that answers with their places, ready to be asked.

    None when one cannot stand there: one with no bit set, which no bank takes.
    """
    # The compiler behind it costs memory and time to load: only who has many entries pays.
    from openhaven.signals.hashes import PdqIndex

    hashes = _hashes(entries)
    ring = PdqIndex.build(hashes, threads=threads, merge_after=None)
    ring.match_hex(hashes[0].tobytes().hex())  # compiled now, not at somebody's upload
    return None if ring.refused else ring


def _hashes(entries: Columns) -> NDArray[np.uint8]:
    """Return the perceptual hashes with which the keys begin: uint8 (n, 32)."""
    keys = np.ascontiguousarray(entries.keys)
    rows = keys.view(np.uint8).reshape(len(keys), keys.dtype.itemsize)
    return np.ascontiguousarray(rows[:, :HASH])
