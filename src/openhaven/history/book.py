"""The counting itself, purely in memory: what events add to counters, and what these answer.

A batch works on the rows that it has read, `Replay` on rows that it makes as it goes, and both
through this one class, so that a back-test counts as the line does.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from openhaven.history.model import DAY, Counter, Key, Notes, Part
from openhaven.history.tallies import Tally, Use, Values, by_kind
from openhaven.intake.model import Event

Row = dict[int, list[Any]]
"""The cells of one key: a counter's number → the day from which on nothing counts, and the cell."""
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(Row).decode


class Look(msgspec.Struct, gc=False):
    """One event, ready to be counted: when it happened, and what each counter needs to know.

    `at` is in seconds, and `today` is the day of its judging, both from 1970. Of the counters that
    are kept by the same keys, `groups` has these keys, and each counter with what the event adds to
    it (None: nothing) and whether the rules for this kind of event read it. `written` are the keys
    of the rows that change, `read` those of the others.
    """

    at: int
    today: int
    groups: list[tuple[list[bytes], list[tuple[Tally, tuple[Any, ...] | None, bool]]]]
    written: list[bytes]
    read: list[bytes]


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
        # What is hashed so often is hashed with a faster function, by a secret made from the other.
        self._secret = digest(b"openhaven history")
        self._keys: dict[tuple[str, Key], bytes] = {}
        self._members: dict[tuple[str, Part], int] = {}
        self._by_kind = by_kind(tuple(counters))

    def look(self, platform: str, event: Event, now: datetime) -> Look:
        """Return what is to be counted for an event; one from the future happens now."""
        at, today = min(event.at, now).timestamp(), now.timestamp() // DAY
        found = Look(int(at), int(today), [], [], [])
        notes: Notes = {}
        for group in self._by_kind.get(event.kind, ()):
            keys = [self.key(platform, key) for key in dict.fromkeys(group.keys(event, notes))]
            if not keys and group.only_with_key:
                continue
            uses, written = [], False
            for use in group.uses:
                # Without a key there is nothing to count, and all the same something to answer.
                given = self._given(platform, use, event, notes) if keys and use.counts else None
                if given is not None:
                    written = True
                elif not use.asked:
                    continue
                uses.append((use.tally, given, use.asked))
            found.groups.append((keys, uses))
            (found.written if written else found.read).extend(keys)
        return found

    def _given(self, platform: str, use: Use, event: Event, notes: Notes) -> tuple[Any, ...] | None:
        """Return what an event adds to a counter, or None when it is not counted."""
        one = use.tally.counter
        if one.where is not None and not one.where(event, notes):
            return None
        if one.value is None:
            return _ONE
        given = one.value(event, notes)
        if one.kind == "distinct":
            given = tuple([self.member(platform, part) for part in given])
        return given or None

    def key(self, platform: str, key: Key) -> bytes:
        """Return the digest under which a key is kept."""
        found = self._keys.get((platform, key))
        if found is None:
            found = self._keys[platform, key] = self.hashed(platform, key)
            # An account alone is found by its own digest.
            accounts = [part for part in key if part[0] == "account"] if len(key) > 1 else []
            inside = [self.hashed(platform, (part,)) for part in accounts]
            one, other, *_ = [*inside, None, None]
            self.named[found] = (one, other)
        return found

    def member(self, platform: str, part: Part) -> int:
        """Return the number that stands for one of many different things."""
        found = self._members.get((platform, part))
        if found is None:
            digest = self._keys.get((platform, (part,))) or self.hashed(platform, (part,))
            found = self._members[platform, part] = int.from_bytes(digest[:8])
        return found

    def hashed(self, platform: str, key: Key) -> bytes:
        """Return 16 bytes, equal for equal things of one platform."""
        return blake2b(_ENCODE((platform, key)), key=self._secret, digest_size=16).digest()

    def take(self, look: Look) -> Values:
        """Count one event and return what the counters answer to it."""
        values: Values = {}
        for key in look.written:
            if key not in self.rows:
                self.rows[key] = {}
        for keys, uses in look.groups:
            rows = [self.rows.get(key, _NO_ROW) for key in keys]
            for tally, given, asked in uses:
                if given is None:
                    cells = _standing(tally, rows, look.today)
                else:
                    cells = _counted(tally, rows, look, given)
                if asked:
                    tally.answer(cells, look.at, values)
        return values


_ONE = (1,)
_NO_ROW: Row = {}


def _standing(tally: Tally, rows: Sequence[Row], today: int) -> list[Any]:
    """Return the cells of a counter in which something still counts."""
    found = []
    for row in rows:
        cell = row.get(tally.id)
        if cell is not None and cell[0] > today:
            found.append(cell[1])
    return found


def _counted(tally: Tally, rows: Sequence[Row], look: Look, given: tuple[Any, ...]) -> list[Any]:
    """Count an event in a cell of each row; return the cells to answer from."""
    number, today, found = tally.id, look.today, []
    for row in rows:
        cell = row.get(number)
        if cell is None or cell[0] <= today:
            cell = row[number] = [0, None]
        elif tally.before:
            found.append(cell[1])
        cell[0] = today + tally.days
        cell[1] = tally.counted(cell[1], look.at, given)
        if not tally.before:
            found.append(cell[1])
    return found


def packed(row: Row, today: int) -> bytes:
    """Return a row as it is stored, without the cells in which nothing counts any more."""
    return _ENCODE({one: cell for one, cell in row.items() if cell[0] > today})


def unpacked(state: bytes) -> Row:
    """Return a row from what `packed` made of it."""
    return _DECODE(state)


def last_day(row: Row) -> int:
    """Return the day, counted from 1970, from which on nothing in a row counts."""
    return int(max((cell[0] for cell in row.values()), default=0))
