"""The figures of a back-test: plain numbers, counted event by event, purely."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from openhaven.policy.shares import Share, wilson

SMALL = 5


class Pair(msgspec.Struct):
    """A number now, and what it would be."""

    now: int = 0
    draft: int = 0


class RuleFigures(msgspec.Struct):
    """One rule: how often it spoke and would speak, what is new and gone, and what stays open.

    `shadow` are matches that would do nothing; `unknown` are events for which it has no answer.
    """

    now: int = 0
    draft: int = 0
    newly: int = 0
    gone: int = 0
    shadow: int = 0
    unknown: int = 0


class Load(msgspec.Struct):
    """Work for the people of one queue: tasks in the whole period, and minutes for each.

    `minutes` is the median that people needed lately, None when nobody worked there yet.
    """

    now: int = 0
    draft: int = 0
    minutes: float | None = None


class Agreement(msgspec.Struct, frozen=True):
    """How far outcomes agree with what people judged.

    `precision`: of the judged events that are acted on, those that people found against a rule.
    `found`: of the judged events that people found against a rule, those that are acted on.
    """

    judged: int
    precision: Share
    found: Share


class Cell(msgspec.Struct):
    """A group of people or languages: events seen, and those acted on. None hides a small number.

    A number below 5 could point at somebody.
    """

    events: int | None = 0
    now: int | None = 0
    draft: int | None = 0


class Figures(msgspec.Struct):
    """What a back-test found. Outcomes, rules, clauses and days count evaluated events only.

    `skipped` has the others by reason, `skipped_outcomes` how those ended. `changes` counts events
    that would end otherwise: newly acted on, no longer, or with another outcome.
    """

    events: int = 0
    evaluated: int = 0
    skipped: dict[str, int] = {}
    skipped_outcomes: dict[str, int] = {}
    changes: dict[str, int] = {}
    outcomes: dict[str, Pair] = {}
    rules: dict[str, RuleFigures] = {}
    clauses: dict[str, Pair] = {}
    days: dict[str, dict[str, Pair]] = {}
    load: dict[str, Load] = {}
    agreement: dict[str, Agreement] = {}
    groups: dict[str, dict[str, Cell]] = {}
    notes: list[str] = []
    seconds: float = 0.0

    @property
    def differences(self) -> int:
        """How many events would end otherwise."""
        return sum(self.changes.values())


def agreement(judged: Counter[tuple[bool, bool]]) -> Agreement:
    """Return the agreement from counts by (acted on, against a rule as people judged)."""
    both = judged[True, True]
    return Agreement(
        judged=judged.total(),
        precision=wilson(both, both + judged[True, False]),
        found=wilson(both, both + judged[False, True]),
    )


def hidden(cells: Mapping[str, Cell]) -> dict[str, Cell]:
    """Return the groups with small numbers hidden; where one is alone, the next smallest as well.

    A single hidden number could be worked out from the total and the others.
    """
    columns = {name: _hide([getattr(cell, name) for cell in cells.values()]) for name in _COLUMNS}
    return {
        group: Cell(*(columns[name][place] for name in _COLUMNS))
        for place, group in enumerate(cells)
    }


_COLUMNS = ("events", "now", "draft")


def _hide(numbers: list[int]) -> list[int | None]:
    small = {place for place, n in enumerate(numbers) if 0 < n < SMALL}
    if len(small) == 1:
        # A large number rather than a zero, which would leave only few possibilities.
        rest = [(n == 0, n, place) for place, n in enumerate(numbers) if place not in small]
        small |= {place for _, _, place in sorted(rest)[:1]}
    return [None if place in small else n for place, n in enumerate(numbers)]
