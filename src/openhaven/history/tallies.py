"""How each kind of counter adds an event to a cell, and what it answers from its cells."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from openhaven.history.cells import Seen, add, different, note, total
from openhaven.history.model import DAY, KEPT, STEPS, Counter, Key, Notes
from openhaven.intake.model import Event

Values = dict[str, int | float]


class Tally(ABC):
    """A counter with what it needs at hand: its number, its names, its windows in seconds."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.id = counter.id
        self.spans = [window.seconds for window in counter.windows]
        self.names = [f"{counter.name}.{window.name}" for window in counter.windows]
        # Two days more: the last one is not over yet, nor was the first one when it began.
        self.days = self.spans[-1] * KEPT // STEPS // DAY + 2
        # What is asked for is the time since an earlier event, and this one may be counted, too.
        self.before = counter.kind == "time-since"

    @abstractmethod
    def counted(self, cell: Any, at: int, given: tuple[Any, ...]) -> Any:
        """Return the cell with one event added; `cell` is None when there is none yet."""

    @abstractmethod
    def answer(self, cells: Sequence[Any], at: int, values: Values) -> None:
        """Put the answers into `values`: of several cells, that of the one with the most."""


class Windowed(Tally):
    """A counter that answers a number for each window."""

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        nothing = 0 if counter.kind in ("count", "distinct") else 0.0
        self.nothing: Values = dict.fromkeys(self.names, nothing)
        """The answer when nothing was counted."""

    def answer(self, cells: Sequence[Any], at: int, values: Values) -> None:
        """Answer for each window; without a cell that nothing was counted."""
        if not cells:
            values.update(self.nothing)
            return
        found = self.within(cells[0], at)
        for cell in cells[1:]:
            found = [max(pair) for pair in zip(found, self.within(cell, at), strict=True)]
        values.update(zip(self.names, found, strict=True))

    @abstractmethod
    def within(self, cell: Any, at: int) -> list[int | float]:
        """Return what a cell answers at a moment for each window."""


class Numbers(Windowed):
    """Counts and sums: a cell has a ring for each window."""

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter)
        self.whole = counter.kind == "count"

    def counted(self, cell: Any, at: int, given: tuple[Any, ...]) -> Any:
        """Add the number to the ring of each window."""
        if cell is None:
            return [[at * STEPS // seconds, given[0]] for seconds in self.spans]
        amount = given[0]
        for ring, seconds in zip(cell, self.spans, strict=True):
            step = at * STEPS // seconds
            if step == ring[0]:
                ring[1] += amount
            else:
                add(ring, step, amount)
        return cell

    def within(self, cell: Any, at: int) -> list[int | float]:
        """Return the number of each window: whole for a count, else with decimals."""
        found = [
            total(ring, at * STEPS // seconds)
            for ring, seconds in zip(cell, self.spans, strict=True)
        ]
        return found if self.whole else [float(one) for one in found]


class Rates(Numbers):
    """How many there were in a minute, an hour or a day of each window."""

    def within(self, cell: Any, at: int) -> list[int | float]:
        """Return the number of each window, divided by its length."""
        counts, unit = super().within(cell, at), self.counter.unit
        return [one * unit / seconds for one, seconds in zip(counts, self.spans, strict=True)]


class Differents(Windowed):
    """How many different things there were: a cell has a map for all windows, or one for each."""

    def counted(self, cell: Any, at: int, given: tuple[Any, ...]) -> Any:
        """Note everything that was given."""
        parts: list[Seen] = [] if cell is None else cell
        for digest in given:
            note(parts, digest, at, self.spans)
        return parts

    def within(self, cell: Any, at: int) -> list[int | float]:
        """Return the number of each window."""
        if len(cell) < len(self.spans):
            longest = self.spans[-1]
            return [different(cell[0], at, seconds, longest) for seconds in self.spans]
        return [
            different(seen, at, seconds, seconds)
            for seen, seconds in zip(cell, self.spans, strict=True)
        ]


class Times(Tally):
    """How long ago something happened for the first time, or for the last one."""

    def counted(self, cell: Any, at: int, given: tuple[Any, ...]) -> Any:
        """Keep the earlier or the later moment."""
        del given
        if cell is None:
            return at
        return min(cell, at) if self.counter.kind == "first-seen" else max(cell, at)

    def answer(self, cells: Sequence[Any], at: int, values: Values) -> None:
        """Answer the longest time since a first one, the shortest since a last one, if any."""
        name = self.counter.name
        first = self.counter.kind == "first-seen"
        found = [cell for cell in cells if first or at - cell < self.spans[0]]
        values[f"{name}.known"] = bool(found)
        if found:
            ago = at - (min(found) if first else max(found))
            values[name] = max(0, ago) // self.counter.unit


_KINDS: dict[str, type[Tally]] = {
    "count": Numbers,
    "sum": Numbers,
    "rate": Rates,
    "distinct": Differents,
    "first-seen": Times,
    "time-since": Times,
}


class Use(NamedTuple):
    """A counter for one kind of event: whether it counts it, and whether rules then read it."""

    tally: Tally
    counts: bool
    asked: bool


class Group(NamedTuple):
    """The counters for one kind of event that are kept by the same keys."""

    keys: Callable[[Event, Notes], tuple[Key, ...]]
    uses: list[Use]
    only_with_key: bool


@lru_cache(maxsize=64)
def by_kind(counters: tuple[Counter, ...]) -> dict[str, list[Group]]:
    """Return, by kind of event, the counters that count it or are asked for it."""
    found: dict[str, dict[tuple[str, ...], Group]] = {}
    for one in counters:
        tally = _KINDS[one.kind](one)
        for kind in one.on | one.asked:
            group = found.setdefault(kind, {}).setdefault(
                one.by, Group(one.keys, [], one.only_with_key)
            )
            group.uses.append(Use(tally, kind in one.on, kind in one.asked))
    return {kind: list(groups.values()) for kind, groups in found.items()}
