"""All banks at one moment: what the hot path asks, without a lock and without the database."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openhaven.signals.banks.index import (
    RING_FROM,
    UNTOLD,
    Columns,
    Index,
    Words,
    asked_of,
    columns,
    extra_of,
    index,
    laid,
)
from openhaven.signals.banks.model import KINDS, BankInfo, Kind, Match, Row

MERGE_AFTER = 4_096
MOST_NAMED = 100  # of one bank, for one value
_FRESH = 2
_NO_IDS = np.zeros(0, np.int64)


class Parts(NamedTuple):
    """Where the entries of a bank are, and which ids of the first two parts do not count."""

    main: Index
    middle: Index
    fresh: Index
    hidden: NDArray[np.int64]

    @property
    def indexes(self) -> tuple[Index, Index, Index]:
        """Return the three parts."""
        return self.main, self.middle, self.fresh


class Bank:
    """Everything of one kind, as the one narrow question `match(value) -> matches`.

    `main` is large and kept as it is, `middle` is what came since and is laid out as well, `fresh`
    is small; entries of the first two whose id is in `hidden` were withdrawn or stand in `fresh`.
    Who `keeps` the main part in a file makes it anew when that is `due`; else it is done here.
    """

    def __init__(
        self,
        kind: Kind,
        infos: Mapping[str, BankInfo],
        words: Words,
        parts: Parts,
        *,
        keeps: bool = False,
    ) -> None:
        self.kind, self.words, self.parts, self.keeps = kind, words, parts, keeps
        self._infos = {words.number(info.id): info for info in infos.values() if info.kind == kind}
        alive = [info.radius for info in self._infos.values() if info.mode != "off"]
        self._radius = max(alive, default=-1)

    @classmethod
    def of(
        cls,
        kind: Kind,
        infos: Mapping[str, BankInfo],
        words: Words,
        main: Index,
        *,
        keeps: bool = False,
    ) -> "Bank":
        """Return the bank in which nothing was added to or taken out of the main part."""
        none = index(kind, columns(kind, [], words))
        return cls(kind, infos, words, Parts(main, none, none, _NO_IDS), keeps=keeps)

    def match(self, value: bytes) -> list[Match]:
        """Return every entry within its bank's radius, nearest first; banks that are off are not.

        Of each bank the nearest hundred are named, with how many there are `more`. `value` has the
        kind's length; one of another length matches nothing.
        """
        key = asked_of(self.kind, value)
        if key is None or self._radius < 0:
            return []
        found: dict[int, list[tuple[int, int, int, int]]] = {}
        more: dict[int, int] = {}
        for number in range(3):
            self._find(number, key, found, more)
        matches = []
        for bank, rows in found.items():
            rows.sort()
            over = more[bank] + max(len(rows) - MOST_NAMED, 0)
            matches += [self._match(bank, row, over) for row in rows[:MOST_NAMED]]
        return sorted(matches, key=lambda match: (match.distance, match.entry))

    def frames(self, entry: int) -> list[int]:
        """Return the moments (ms) of the frames of a film, by its entry; empty when not there."""
        moments: list[int] = []
        for part in self.parts.indexes:
            first, last = np.searchsorted(part.entries.ids, [entry, entry + 1])
            moments += [extra_of(self.kind, bytes(key)) for key in part.entries.keys[first:last]]
        return sorted(set(moments))

    def __len__(self) -> int:
        main, middle, fresh, hidden = self.parts
        return len(main) + len(middle) - len(hidden) + len(fresh)

    @property
    def is_large(self) -> bool:
        """Say whether there are as many entries as a file is worth."""
        return len(self) >= RING_FROM

    @property
    def due(self) -> bool:
        """Say whether the file of this bank should be written, for the first time or anew."""
        main = self.parts.main
        if not self.keeps or not self.is_large:
            return False
        return not main.kept or self.waiting > max(MERGE_AFTER, len(main) // 8)

    @property
    def waiting(self) -> int:
        """Return how many changes the main part does not have yet."""
        _, middle, fresh, hidden = self.parts
        return len(middle) + len(fresh) + len(hidden)

    def whole(self) -> Columns:
        """Return all living entries."""
        main, middle, fresh, hidden = self.parts
        kept = main.entries.with_more(middle.entries)
        return kept.where(~np.isin(kept.ids, hidden)).with_more(fresh.entries)

    def changed(self, infos: Mapping[str, BankInfo], gone: set[int], rows: list[Row]) -> "Bank":
        """Return this bank after `gone` ids lost what they had and `rows` came in their place."""
        main, middle, old, hidden = self.parts
        ids = np.array(sorted(gone), np.int64)
        fresh = old.entries.where(~np.isin(old.entries.ids, ids))
        fresh = fresh.with_more(columns(self.kind, rows, self.words))
        hidden = np.union1d(hidden, np.concatenate([main.holds(ids), middle.holds(ids)]))
        parts = Parts(main, middle, index(self.kind, fresh), hidden)
        return Bank(self.kind, infos, self.words, parts, keeps=self.keeps)._folded(infos)

    def _folded(self, infos: Mapping[str, BankInfo]) -> "Bank":
        """Return this bank with a small fresh part: what was in it is laid out with the middle.

        Without a file everything is laid out anew instead, when there is a share of it.
        """
        main, middle, fresh, hidden = self.parts
        none = index(self.kind, columns(self.kind, [], self.words))
        if self.keeps and main.kept:
            if len(fresh) <= max(MERGE_AFTER, len(middle) // 8):
                return self
            kept = middle.entries.where(~np.isin(middle.entries.ids, hidden))
            middle = laid(self.kind, kept.with_more(fresh.entries))
            parts = Parts(main, middle, none, main.holds(hidden))
        else:
            if self.waiting <= max(MERGE_AFTER, len(main) // 8):
                return self
            main = index(self.kind, self.whole(), lay=not self.keeps)
            parts = Parts(main, none, none, _NO_IDS)
        return Bank(self.kind, infos, self.words, parts, keeps=self.keeps)

    def _find(
        self,
        number: int,
        key: bytes,
        found: dict[int, list[tuple[int, int, int, int]]],
        more: dict[int, int],
    ) -> None:
        """Add (distance, id, part, place) of what one part has, bank by bank."""
        part = self.parts.indexes[number]
        places, far = part.find(key, self._radius)
        if not len(places):
            return
        ids, banks = part.entries.ids[places], part.entries.banks[places]
        living = (
            ~np.isin(ids, self.parts.hidden) if number < _FRESH else np.ones(len(ids), np.bool_)
        )
        for bank in np.unique(banks).tolist():
            info = self._infos.get(bank)
            if info is None or info.mode == "off":
                continue
            mine = np.flatnonzero(living & (banks == bank) & (far <= info.radius))
            named = mine[np.lexsort((ids[mine], far[mine]))][:MOST_NAMED]
            rows = [far[named], ids[named], np.full(len(named), number), places[named]]
            found.setdefault(bank, []).extend(zip(*(row.tolist() for row in rows), strict=True))
            more[bank] = more.get(bank, 0) + len(mine) - len(named)

    def _match(self, bank: int, row: tuple[int, int, int, int], more: int) -> Match:
        distance, number, part, place = row
        info, entries = self._infos[bank], self.parts.indexes[part].entries
        quality = int(entries.quality[place])
        return Match(
            info.name,
            number,
            info.opinion,
            distance,
            None if quality == UNTOLD else quality,
            self.words[int(entries.provenance[place])],
            info.harm,
            info.mode,
            info.at_most,
            more,
            extra_of(self.kind, bytes(entries.keys[place])),
        )


class Snapshot:
    """An immutable set of banks. A change gives a new one, which shares what did not change."""

    def __init__(self, infos: Iterable[BankInfo], banks: Mapping[Kind, Bank]) -> None:
        self.infos = {info.id: info for info in infos}
        self.banks = dict(banks)

    @classmethod
    def of(cls, infos: Iterable[BankInfo], rows: Iterable[Row]) -> "Snapshot":
        """Return the snapshot of these banks and entries; entries of no known bank are left out."""
        known = {info.id: info for info in infos}
        sorted_rows = _by_kind(known, rows)
        words = Words()
        parts = {kind: columns(kind, sorted_rows[kind], words) for kind in KINDS}
        return cls.from_columns(known.values(), parts, words)

    @classmethod
    def from_columns(
        cls, infos: Iterable[BankInfo], parts: Mapping[Kind, Columns], words: Words
    ) -> "Snapshot":
        """Return the snapshot of entries that are columns already; all name `words`."""
        known = {info.id: info for info in infos}
        banks = {}
        for kind in KINDS:
            main = index(kind, parts[kind], lay=True)
            banks[kind] = Bank.of(kind, known, words, main)
        return cls(known.values(), banks)

    def match(self, kind: Kind, value: bytes) -> list[Match]:
        """Return the matches of one value among all banks of its kind, nearest first."""
        return self.banks[kind].match(value)

    def changed(
        self, infos: Iterable[BankInfo], gone: Iterable[int], rows: Iterable[Row]
    ) -> "Snapshot":
        """Return the snapshot after a change: `gone` ids are taken out, then `rows` put in."""
        known = {info.id: info for info in infos}
        ids, new = set(gone), _by_kind(known, rows)
        banks = {kind: bank.changed(known, ids, new[kind]) for kind, bank in self.banks.items()}
        return Snapshot(known.values(), banks)

    def __len__(self) -> int:
        return sum(len(bank) for bank in self.banks.values())


def _by_kind(known: Mapping[str, BankInfo], rows: Iterable[Row]) -> dict[Kind, list[Row]]:
    sorted_rows: dict[Kind, list[Row]] = {kind: [] for kind in KINDS}
    for row in rows:
        if row.bank in known:
            sorted_rows[known[row.bank].kind].append(row)
    return sorted_rows


EMPTY = Snapshot.of((), ())
