"""The arithmetic of base rates: of those whom a setting meets, how many are innocent. Pure."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product

import msgspec

from openhaven.exchange.returning.model import Answered, Hit, Setting, weigh

# What a setting asks for, before anything follows from it.
Rule = Callable[[frozenset[str], Setting], bool]


class Asked(msgspec.Struct, frozen=True):
    """What is held against each other: so many newcomers a month, accounts that were ended, ...

    `again` is the share of ended accounts whose person comes again within a month, `home` the share
    of which somebody else of the household comes within a month.
    """

    newcomers: int
    ended: int
    again: float
    home: float


class Odds(msgspec.Struct, frozen=True):
    """What a setting does in a month: whom it meets rightly, and whom wrongly, as expected.

    `found` is the share of those who come back that it meets; `offered` whether it can be chosen.
    """

    key: str
    words: str
    offered: bool
    right: float
    strangers: float
    households: float
    found: float

    @property
    def wrong(self) -> float:
        """How many innocent people it meets."""
        return self.strangers + self.households

    @property
    def of_hundred(self) -> int | None:
        """Of a hundred whom it meets, how many are innocent; None where it meets nobody."""
        met = self.right + self.wrong
        return round(100 * self.wrong / met) if met else None


def _answered(families: frozenset[str], data: Setting) -> Answered:
    """Return what the code itself says of one ended account that shares these families."""
    hits = [Hit(entry="one", harm="harassment", family=name, strong=data.families[name].strong)
            for name in families]  # fmt: skip
    return weigh(hits, "friction", data)


def _one_strong(families: frozenset[str], data: Setting) -> bool:
    return any(data.families[name].strong for name in families)


SETTINGS: dict[str, tuple[str, bool, Rule]] = {
    "any": ("Any one family is enough", False, lambda families, _: bool(families)),
    "strong": ("One strong family is enough", False, _one_strong),
    "look": (
        "Two families, one of them strong: a person looks", True,
        lambda families, data: _answered(families, data).strength != "none",
    ),
    "friction": (
        "…and more than a household shares: the newcomer is asked for more", True,
        lambda families, data: _answered(families, data).friction,
    ),
}  # fmt: skip


def odds(asked: Asked, data: Setting) -> list[Odds]:
    """Return what each setting does with these numbers; families are taken to be independent."""
    strangers = {name: one.chance / 1_000_000 for name, one in data.families.items()}
    homes = {name: one.home for name, one in data.families.items()}
    keeps = {name: one.keeps for name, one in data.families.items()}
    found = []
    for key, (words, offered, rule) in SETTINGS.items():
        met = _share(keeps, rule, data)
        found.append(Odds(
            key, words, offered, asked.ended * asked.again * met,
            asked.newcomers * min(1.0, asked.ended * _share(strangers, rule, data)),
            asked.ended * asked.home * _share(homes, rule, data), met,
        ))  # fmt: skip
    return found


def _share(chances: Mapping[str, float], rule: Rule, data: Setting) -> float:
    return sum(chance for families, chance in _subsets(chances) if rule(families, data))


def _subsets(chances: Mapping[str, float]) -> Iterator[tuple[frozenset[str], float]]:
    """Yield each set of families that one may share, with how likely just that set is."""
    names = list(chances)
    for shares in product((False, True), repeat=len(names)):
        chance = 1.0
        for name, has in zip(names, shares, strict=True):
            chance *= chances[name] if has else 1 - chances[name]
        yield frozenset(name for name, has in zip(names, shares, strict=True) if has), chance


# The picture ----------------------------------------------------------------------------------

_DOT, _GAP, _ROW = 11, 4, 78
_RIGHT, _WRONG, _INK = "#1d5b57", "#c2410c", "#26221d"


def drawn(found: list[Odds]) -> str:
    """Return an SVG with a hundred dots for each setting: innocent people, and those who came back.

    Innocent people are rings, the others are full, so that colour is not needed to tell them apart.
    """
    height = _ROW * len(found) + 10
    rows = [_drawn(at, one) for at, one in enumerate(found)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" width="760" '
            f'height="{height}"><rect width="760" height="{height}" fill="#ffffff"/>'
            + "".join(rows) + "</svg>")  # fmt: skip


def _drawn(at: int, one: Odds) -> str:
    top = at * _ROW + 22
    said = f"{one.words}: nobody is met" if one.of_hundred is None else (
        f"{one.words}: of 100 met, {one.of_hundred} innocent")  # fmt: skip
    text = (
        f'<text x="8" y="{top}" font-family="sans-serif" font-size="14" fill="{_INK}">{said}</text>'
    )
    if one.of_hundred is None:
        return text
    dots = []
    for place in range(100):
        x = 14 + place % 50 * (_DOT + _GAP - 0.5)
        y = top + 14 + place // 50 * (_DOT + _GAP)
        look = (f'fill="none" stroke="{_WRONG}" stroke-width="2"' if place < one.of_hundred
                else f'fill="{_RIGHT}"')  # fmt: skip
        dots.append(f'<circle cx="{x:.1f}" cy="{y}" r="4.5" {look}/>')
    return text + "".join(dots)
