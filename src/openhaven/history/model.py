"""What is counted: a counter as it was declared, and how an event says what it counts for."""

import hashlib
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from openhaven.intake.model import Event

Kind = Literal["count", "sum", "distinct", "rate", "first-seen", "time-since"]
Part = tuple[str, str]
"""What kind of thing it is and how the platform names it, such as `("account", "a1")`."""
Key = tuple[Part, ...]
Notes = dict[str, Any]
"""What was worked out about one event already, shared by all counters that look at it."""

STEPS = 24
"""Into how many steps a window is divided: it reaches back its length and at most one step more."""
KEPT = 2 * STEPS
"""How many steps are kept, for events that come late."""
EXACT = 256
"""How many different things a window tells apart exactly; beyond, it estimates."""
DAY = 86_400
LETTERS = {"m": 60, "h": 3_600, "d": DAY}
"""The seconds of the units in which windows are declared."""


class Window(msgspec.Struct, frozen=True):
    """A span of time to look back: its name in rules (`in_1h`) and its length in seconds."""

    name: str
    seconds: int


class Counter(msgspec.Struct, frozen=True, kw_only=True):
    """One declared counter.

    It counts an event whose kind is in `on` and for which `where` is true, once for every key that
    `keys` gives (`by` names them: counters with equal `by` have equal keys). `value` gives what a
    `distinct` tells apart (parts) or what a `sum` adds up (one number); None for the others.
    `asked` are the kinds of events whose rules read it. `unit` is in seconds: what the answer of
    `rate` is per, and in what `first-seen` and `time-since` answer. `windows` are from short to
    long; of `first-seen` and `time-since` there is one, which says for how long they remember.
    Without a key it answers that nothing was counted, or with `only_with_key` not at all.
    """

    name: str
    kind: Kind
    by: tuple[str, ...]
    on: frozenset[str]
    windows: tuple[Window, ...]
    keys: Callable[[Event, Notes], tuple[Key, ...]]
    value: Callable[[Event, Notes], tuple[Any, ...]] | None = None
    where: Callable[[Event, Notes], bool] | None = None
    unit: int = 1
    declared: str = ""
    asked: frozenset[str] = frozenset()
    only_with_key: bool = False

    @property
    def id(self) -> int:
        """Return its number, of 62 bits: another one as soon as anything it counts by changes."""
        said = f"{self.name}\n{self.declared}".encode()
        return int.from_bytes(hashlib.sha256(said).digest()[:8]) >> 2

    @property
    def fields(self) -> dict[str, str]:
        """Return the names under which rules read it, with the type of each."""
        if self.kind in ("first-seen", "time-since"):
            return {self.name: "int", f"{self.name}.known": "bool"}
        kind = "double" if self.kind in ("sum", "rate") else "int"
        return {f"{self.name}.{window.name}": kind for window in self.windows}
