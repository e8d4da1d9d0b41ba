"""The counting itself, purely in memory: what events add to counters, and what these answer.

A batch works on the rows that it has read, `Replay` on rows that it makes as it goes, and both
through this one class, so that a back-test counts as the line does.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from openhaven.history.model import DAY, Counter, Key, Notes, Part
from openhaven.history.tallies import Tally, Values, by_kind
from openhaven.intake.model import Event

Row = dict[int, list[Any]]
"""The cells of one key: a counter's number → the day from which on nothing counts, and the cell."""
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(Row).decode


class Look(msgspec.Struct, gc=False):
    """One event, ready to be counted: when it happened, and what each counter needs to know.

    `at` is in seconds, and `today` is the day of its judging, both from 1970. `counts` has the
    counters that count it, with the keys and what they add; `asks` those that the rules for this
    kind of event read, with their keys.
    """

    at: int
    today: int
    counts: list[tuple[Tally, Sequence[bytes], tuple[Any, ...]]]
    asks: list[tuple[Tally, Sequence[bytes]]]


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
        self._known: dict[tuple[str, Key], bytes] = {}
        self._by_kind = by_kind(tuple(counters))

    def look(self, platform: str, event: Event, now: datetime) -> Look:
        """Return what is to be counted for an event; one from the future happens now."""
        at, today = min(event.at, now).timestamp(), now.timestamp() // DAY
        found = Look(int(at), int(today), [], [])
        notes: Notes = {}
        keys: dict[tuple[str, ...], list[bytes]] = {}
        for tally in self._by_kind.get(event.kind, ()):
            one = tally.counter
            if one.by not in keys:
                named = dict.fromkeys(one.keys(event, notes))
                keys[one.by] = [self.key(platform, key) for key in named]
            if event.kind in one.asked:
                found.asks.append((tally, keys[one.by]))
            if event.kind not in one.on or not keys[one.by]:
                continue
            if one.where is None or one.where(event, notes):
                given = one.value(event, notes) if one.value else (1,)
                if one.kind == "distinct":
                    given = tuple([self.member(platform, part) for part in given])
                if given:
                    found.counts.append((tally, keys[one.by], given))
        return found

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
        found = self._known.get(asked)
        if found is None:
            found = self._known[asked] = self._digest(_ENCODE(asked))[:16]
        return found

    def take(self, look: Look) -> Values:
        """Count one event and return what the counters answer to it."""
        values: Values = {}
        # What is asked for is the time since an earlier event, and this one may be counted, too.
        before = [one for one in look.asks if one[0].counter.kind == "time-since"]
        for tally, keys in before:
            tally.answer(self._cells(tally, keys, look), look.at, values)
        for tally, keys, given in look.counts:
            for key in keys:
                self._count(tally, self.rows.setdefault(key, {}), look, given)
        for tally, keys in look.asks:
            if tally.counter.kind != "time-since":
                tally.answer(self._cells(tally, keys, look), look.at, values)
        return values

    def _count(self, tally: Tally, row: Row, look: Look, given: tuple[Any, ...]) -> None:
        cell = row.get(tally.id)
        if cell is None or cell[0] <= look.today:
            cell = row[tally.id] = [0, None]
        cell[0] = look.today + tally.days
        cell[1] = tally.counted(cell[1], look.at, given)

    def _cells(self, tally: Tally, keys: Sequence[bytes], look: Look) -> list[Any]:
        """Return what is kept for these keys and still counts."""
        found = []
        for key in keys:
            cell = self.rows.get(key, _NO_ROW).get(tally.id)
            if cell is not None and cell[0] > look.today:
                found.append(cell[1])
        return found


_NO_ROW: Row = {}


def packed(row: Row, today: int) -> bytes:
    """Return a row as it is stored, without the cells in which nothing counts any more."""
    return _ENCODE({one: cell for one, cell in row.items() if cell[0] > today})


def unpacked(state: bytes) -> Row:
    """Return a row from what `packed` made of it."""
    return _DECODE(state)


def last_day(row: Row) -> int:
    """Return the day, counted from 1970, from which on nothing in a row counts."""
    return int(max((cell[0] for cell in row.values()), default=0))
