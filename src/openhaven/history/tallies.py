"""How each kind of counter adds an event to a cell, and what it answers from its cells."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from openhaven.history.cells import add, different, note, step_of, total
from openhaven.history.model import DAY, KEPT, STEPS, Counter

Values = dict[str, int | float]


class Tally(ABC):
    """A counter with what it needs at hand: its number, its names, its windows in seconds."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.id = counter.id
        self.spans = [window.seconds for window in counter.windows]
        self.names = [f"{counter.name}.{window.name}" for window in counter.windows]
        self.blank: list[list[Any]] = [[] for _ in self.spans]
        # Two days more: the last one is not over yet, nor was the first one when it began.
        self.days = self.spans[-1] * KEPT // STEPS // DAY + 2

    @abstractmethod
    def counted(self, cell: Any, at: int, given: tuple[Any, ...]) -> Any:
        """Return the cell with one event added; `cell` is None when there is none yet."""

    @abstractmethod
    def answer(self, cells: Sequence[Any], at: int, values: Values) -> None:
        """Put the answers into `values`: of several cells, that of the one with the most."""


class Windowed(Tally):
    """A counter whose cells have a part for each window."""

    def answer(self, cells: Sequence[Any], at: int, values: Values) -> None:
        """Answer for each window; without a cell that nothing was counted."""
        first = cells[0] if cells else self.blank
        for name, seconds, part in zip(self.names, self.spans, first, strict=True):
            values[name] = self.within(part, at, seconds)
        for cell in cells[1:]:
            for name, seconds, part in zip(self.names, self.spans, cell, strict=True):
                values[name] = max(values[name], self.within(part, at, seconds))

    @abstractmethod
    def within(self, cell: Any, at: int, seconds: int) -> int | float:
        """Return what the part for one window answers at a moment."""


class Numbers(Windowed):
    """Counts, sums and rates."""

    def counted(self, cell: Any, at: int, given: tuple[Any, ...]) -> Any:
        """Add the number to the ring of each window."""
        cell = cell or [[] for _ in self.spans]
        for ring, seconds in zip(cell, self.spans, strict=True):
            add(ring, step_of(at, seconds), given[0])
        return cell

    def within(self, cell: Any, at: int, seconds: int) -> int | float:
        """Return the number of a window: whole for a count, else with decimals."""
        number = total(cell, step_of(at, seconds))
        if self.counter.kind == "rate":
            return number * self.counter.unit / seconds
        return float(number) if self.counter.kind == "sum" else int(number)


class Differents(Windowed):
    """How many different things there were."""

    def counted(self, cell: Any, at: int, given: tuple[Any, ...]) -> Any:
        """Note everything that was given in the map of each window."""
        cell = cell or [[] for _ in self.spans]
        for seen, seconds in zip(cell, self.spans, strict=True):
            for digest in given:
                note(seen, digest, at, seconds)
        return cell

    def within(self, cell: Any, at: int, seconds: int) -> int | float:
        """Return the number of a window."""
        return different(cell, at, seconds)


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
    "rate": Numbers,
    "distinct": Differents,
    "first-seen": Times,
    "time-since": Times,
}


@lru_cache(maxsize=64)
def by_kind(counters: tuple[Counter, ...]) -> dict[str, list[Tally]]:
    """Return, by kind of event, the counters that count it or are asked for it."""
    found: dict[str, list[Tally]] = {}
    for one in counters:
        tally = _KINDS[one.kind](one)
        for kind in one.on | one.asked:
            found.setdefault(kind, []).append(tally)
    return found
