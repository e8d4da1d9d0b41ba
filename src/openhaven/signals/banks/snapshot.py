"""All banks at one moment: what the hot path asks, without a lock and without the database."""

from collections.abc import Iterable, Mapping

import numpy as np

from openhaven.signals.banks.index import (
    UNTOLD,
    WIDTHS,
    Columns,
    Index,
    Words,
    columns,
    index,
    key_of,
)
from openhaven.signals.banks.model import KINDS, BankInfo, Kind, Match, Row

MERGE_AFTER = 4_096


class Bank:
    """Everything of one kind, as the one narrow question `match(value) -> matches`.

    `main` is large and kept as it is; `fresh` holds what was added since and is small; entries of
    `main` whose id is in `hidden` were withdrawn or stand in `fresh`.
    """

    def __init__(
        self,
        kind: Kind,
        infos: Mapping[str, BankInfo],
        words: Words,
        main: Index,
        fresh: Index,
        hidden: frozenset[int],
    ) -> None:
        self.kind = kind
        self._words = words
        self._main, self._fresh, self._hidden = main, fresh, hidden
        self._infos = {words.number(info.id): info for info in infos.values() if info.kind == kind}
        alive = [info.radius for info in self._infos.values() if info.mode != "off"]
        self._radius = max(alive, default=-1)

    def match(self, value: bytes) -> list[Match]:
        """Return every entry within its bank's radius, nearest first; banks that are off are not.

        `value` has the kind's length; one of another length matches nothing.
        """
        key = key_of(self.kind, value)
        if len(key) != WIDTHS[self.kind] or self._radius < 0:
            return []
        found = self._found(self._main, key, self._hidden)
        found += self._found(self._fresh, key, frozenset())
        return sorted(found, key=lambda match: (match.distance, match.entry))

    def __len__(self) -> int:
        return len(self._main.entries.ids) - len(self._hidden) + len(self._fresh.entries.ids)

    def changed(self, infos: Mapping[str, BankInfo], gone: set[int], rows: list[Row]) -> "Bank":
        """Return this bank after `gone` ids lost what they had and `rows` came in their place."""
        old = self._fresh.entries
        fresh = old.where(~np.isin(old.ids, list(gone)))
        fresh = fresh.with_more(columns(self.kind, rows, self._words))
        main = self._main
        mine = main.entries.ids[np.isin(main.entries.ids, list(gone))].tolist()
        hidden = self._hidden | frozenset(mine)
        if len(fresh.ids) + len(hidden) > max(MERGE_AFTER, len(main.entries.ids) // 8):
            kept = main.entries.where(~np.isin(main.entries.ids, list(hidden)))
            main, hidden = index(self.kind, kept.with_more(fresh)), frozenset()
            fresh = columns(self.kind, [], self._words)
        return Bank(self.kind, infos, self._words, main, index(self.kind, fresh), hidden)

    def _found(self, part: Index, key: bytes, hidden: frozenset[int]) -> list[Match]:
        matches = []
        for place, distance in part.find(key, self._radius):
            entry = part.entries.where(np.array([place]))
            info = self._infos.get(int(entry.banks[0]))
            if info is None or info.mode == "off" or distance > info.radius:
                continue
            if (number := int(entry.ids[0])) not in hidden:
                matches.append(self._match(info, number, distance, entry))
        return matches

    def _match(self, info: BankInfo, number: int, distance: int, entry: Columns) -> Match:
        quality = int(entry.quality[0])
        return Match(
            info.name,
            number,
            info.opinion,
            distance,
            None if quality == UNTOLD else quality,
            self._words[int(entry.provenance[0])],
            info.harm,
            info.mode,
            info.at_most,
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
            nothing = index(kind, columns(kind, [], words))
            main = index(kind, parts[kind])
            banks[kind] = Bank(kind, known, words, main, nothing, frozenset())
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
