"""The counting itself, purely in memory: what events add to counters, and what these answer.

A batch works on the rows that it has read, `Replay` on rows that it makes as it goes, and both
through this one class, so that a back-test counts as the line does.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from openhaven.history.cells import add, different, note, step_of, total
from openhaven.history.model import DAY, KEPT, STEPS, Counter, Key, Notes, Part
from openhaven.intake.model import Event

Row = dict[int, list[Any]]
"""The cells of one key: a counter's number → the day from which on nothing counts, and the cell."""
Values = dict[str, int | float]


class Look(msgspec.Struct):
    """One event, ready to be counted: when it happened, and what each counter needs to know.

    `at` is in seconds, and `today` is the day of its judging, both from 1970. `counts` has the
    counters that count it, with the keys and what they add; `asks` those that the rules for this
    kind of event read, with their keys.
    """

    at: int
    today: int
    counts: list[tuple[Counter, Sequence[bytes], tuple[Any, ...]]]
    asks: list[tuple[Counter, Sequence[bytes]]]


class Book:
    """Rows by key, and the counters that are kept in them."""

    def __init__(
        self,
        counters: Sequence[Counter],
        digest: Callable[[bytes], bytes],
        rows: dict[bytes, Row] | None = None,
    ) -> None:
        self.rows: dict[bytes, Row] = {} if rows is None else rows
        self.named: dict[bytes, tuple[bytes | None, bytes | None]] = {}
        """The keys that were met, with the digests of accounts in those of several parts."""
        self._digest = digest
        self._known: dict[Any, bytes] = {}
        self._ids = {one.name: one.id for one in counters}
        self._by_kind: dict[str, list[Counter]] = {}
        for one in counters:
            for kind in one.on | one.asked:
                self._by_kind.setdefault(kind, []).append(one)

    def look(self, platform: str, event: Event, now: datetime) -> Look:
        """Return what is to be counted for an event; one from the future happens now."""
        at, today = min(event.at, now).timestamp(), now.timestamp() // DAY
        found = Look(int(at), int(today), [], [])
        notes: Notes = {}
        keys: dict[tuple[str, ...], list[bytes]] = {}
        for one in self._by_kind.get(event.kind, ()):
            if one.by not in keys:
                named = one.keys(event, notes)
                keys[one.by] = [self.key(platform, key) for key in dict.fromkeys(named)]
            if event.kind in one.asked:
                found.asks.append((one, keys[one.by]))
            if event.kind in one.on and keys[one.by] and self._meant(one, event, notes):
                given = one.value(event, notes) if one.value else (1,)
                if one.kind == "distinct":
                    given = tuple(self.member(platform, part) for part in given)
                if given:
                    found.counts.append((one, keys[one.by], given))
        return found

    @staticmethod
    def _meant(counter: Counter, event: Event, notes: Notes) -> bool:
        return counter.where is None or counter.where(event, notes)

    def key(self, platform: str, key: Key) -> bytes:
        """Return the digest under which a key is kept."""
        found = self.hashed(platform, key)
        if found not in self.named:
            # An account alone is found by its own digest.
            accounts = [part for part in key if part[0] == "account"] if len(key) > 1 else []
            inside = [self.hashed(platform, (part,)) for part in accounts]
            one, other, *_ = [*inside, None, None]
            self.named[found] = (one, other)
        return found

    def member(self, platform: str, part: Part) -> int:
        """Return the number that stands for one of many different things."""
        return int.from_bytes(self.hashed(platform, (part,))[:8])

    def hashed(self, platform: str, key: Key) -> bytes:
        """Return 16 bytes, equal for equal things of one platform."""
        asked = (platform, key)
        if asked not in self._known:
            self._known[asked] = self._digest(msgspec.msgpack.encode(asked))[:16]
        return self._known[asked]

    def take(self, look: Look) -> Values:
        """Count one event and return what the counters answer to it."""
        # What is asked for is the time since an earlier event, and this one may be counted, too.
        values = {}
        for one, keys in look.asks:
            if one.kind == "time-since":
                values.update(self._answers(one, keys, look))
        for one, keys, given in look.counts:
            for key in keys:
                self._count(one, self.rows.setdefault(key, {}), look, given)
        for one, keys in look.asks:
            if one.kind != "time-since":
                values.update(self._answers(one, keys, look))
        return values

    def _count(self, counter: Counter, row: Row, look: Look, given: tuple[Any, ...]) -> None:
        number, longest = self._ids[counter.name], counter.windows[-1].seconds
        cell = row.get(number)
        if cell is None or cell[0] <= look.today:
            cell = row[number] = [0, None]
        # Two days more: the last one is not over yet, nor was the first one when it began.
        cell[0] = look.today + longest * KEPT // STEPS // DAY + 2
        cell[1] = _counted(counter, cell[1], look.at, given)

    def _answers(self, counter: Counter, keys: Iterable[bytes], look: Look) -> Values:
        """Return the answers by name: of several keys, those of the one with the most."""
        number = self._ids[counter.name]
        found = [row.get(number) for key in keys if (row := self.rows.get(key))]
        cells = [cell[1] for cell in found if cell and cell[0] > look.today]
        if counter.kind in ("first-seen", "time-since"):
            return _since(counter, cells, look.at)
        nothing = 0.0 if counter.kind in ("sum", "rate") else 0
        return {
            f"{counter.name}.{window.name}": max(
                (_within(counter, cell[place], look.at, window.seconds) for cell in cells),
                default=nothing,
            )
            for place, window in enumerate(counter.windows)
        }


def _counted(counter: Counter, cell: Any, at: int, given: tuple[Any, ...]) -> Any:
    """Return a cell to which one event was added; `cell` is None when there is none yet."""
    match counter.kind:
        case "first-seen":
            return at if cell is None else min(cell, at)
        case "time-since":
            return at if cell is None else max(cell, at)
        case "distinct":
            cell = cell or [{} for _ in counter.windows]
            for window, seen in zip(counter.windows, cell, strict=True):
                for member in given:
                    note(seen, member, at, window.seconds)
        case _:
            cell = cell or [[] for _ in counter.windows]
            for window, ring in zip(counter.windows, cell, strict=True):
                add(ring, step_of(at, window.seconds), given[0])
    return cell


def _since(counter: Counter, cells: list[int], at: int) -> Values:
    """Return how long ago it was: the longest since the first time, the shortest since the last."""
    fresh = [cell for cell in cells if at - cell < counter.windows[0].seconds]
    if counter.kind == "first-seen":
        fresh = cells
    if not fresh:
        return {f"{counter.name}.known": False}
    ago = at - (min(fresh) if counter.kind == "first-seen" else max(fresh))
    return {counter.name: max(0, ago) // counter.unit, f"{counter.name}.known": True}


def _within(counter: Counter, cell: Any, at: int, seconds: int) -> int | float:
    if counter.kind == "distinct":
        return different(cell, at, seconds)
    number = total(cell, step_of(at, seconds))
    if counter.kind == "rate":
        return number * counter.unit / seconds
    return float(number) if counter.kind == "sum" else int(number)


def packed(row: Row, today: int) -> bytes:
    """Return a row as it is stored, without the cells in which nothing counts any more."""
    return msgspec.msgpack.encode({one: cell for one, cell in row.items() if cell[0] > today})


def unpacked(state: bytes) -> Row:
    """Return a row from what `packed` made of it."""
    row: Row = msgspec.msgpack.decode(state)
    return row


def last_day(row: Row) -> int:
    """Return the day, counted from 1970, from which on nothing in a row counts."""
    return int(max((cell[0] for cell in row.values()), default=0))
