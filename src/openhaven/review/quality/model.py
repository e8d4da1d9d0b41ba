"""How well people agree, beyond what chance would make of it. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec


class Agreement(msgspec.Struct, frozen=True):
    """Of one queue or clause: pairs of judgements, how many are the same, Krippendorff's alpha."""

    name: str
    pairs: int
    same: int
    alpha: float | None


class Rate(msgspec.Struct, frozen=True):
    """Of one rule, detector, reviewer or language: decisions, appeals, and how many fell."""

    kind: str
    name: str
    decisions: int
    appealed: int
    overturned: int


class Pair(msgspec.Struct, frozen=True):
    """Two judgements about one matter, of people who did not know of each other."""

    queue: str
    clause: str
    first: str
    second: str


def alpha(units: Iterable[Sequence[str]]) -> float | None:
    """Return Krippendorff's alpha for nominal values: 1 is full agreement, 0 what chance makes.

    Each unit holds the values that it was given, by any number of people; units with fewer than two
    are left out. None when there is nothing to compare, or only one value was ever given.
    After K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C.
    """
    disagreed, given = 0.0, Counter[str]()
    for unit in units:
        if len(unit) < 2:
            continue
        counts = Counter(unit)
        given.update(counts)
        pairs = sum(n * (len(unit) - n) for n in counts.values())
        disagreed += pairs / (len(unit) - 1)
    total = given.total()
    expected = sum(n * (total - n) for n in given.values())
    return 1 - (total - 1) * disagreed / expected if expected else None


def agreements(pairs: Sequence[Pair], by: str) -> list[Agreement]:
    """Return the agreement by `queue` or by `clause`, by name."""
    found: dict[str, list[Pair]] = {}
    for pair in pairs:
        found.setdefault(getattr(pair, by), []).append(pair)
    return [_agreement(name, group) for name, group in sorted(found.items())]


def _agreement(name: str, pairs: Sequence[Pair]) -> Agreement:
    same = sum(pair.first == pair.second for pair in pairs)
    return Agreement(name, len(pairs), same, alpha([(p.first, p.second) for p in pairs]))
