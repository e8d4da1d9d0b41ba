"""Families, classes and limits as data; what was met and what may follow from it. Pure."""

import tomllib
from collections.abc import Collection
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Annotated, Literal

import msgspec

from openhaven.core import HARMS, Problem
from openhaven.intake.model import IdentifierKind

# What somebody sends when they come: only then is looked whom they are like.
KINDS_OF_EVENTS = frozenset({"account.create", "account.update"})
Days = Annotated[int, msgspec.Meta(ge=1, le=1_826)]
Answer = Literal["review", "friction"]
Consequence = Literal["off", "review", "friction"]
Strength = Literal["none", "household", "strong", "unknown"]


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Identifiers that say the same kind of thing, and count once however many of them match.

    `crowd` accounts with one token make it tell nothing. Guesses, as far as nothing was measured:
    `chance` is how many in a million strangers carry the same as a given account, `keeps` the share
    of those who come back with the same, `home` of those who live with somebody that has it.
    """

    words: str
    strong: bool
    household: bool
    days: Annotated[int, msgspec.Meta(ge=1, le=1_830)]
    crowd: Annotated[int, msgspec.Meta(ge=2, le=100)]
    chance: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
    keeps: Annotated[float, msgspec.Meta(ge=0, le=1)]
    home: Annotated[float, msgspec.Meta(ge=0, le=1)]


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of identifier: its family, and for how long it says something."""

    family: str
    days: Annotated[int, msgspec.Meta(ge=1, le=1_830)] = 1_830


class Class(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ground on which an account is remembered: how long, and the most that may follow."""

    days: Days
    answer: Answer
    survives: bool = False


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Clocks in days."""

    minor_days: Days
    wanted_days: Annotated[int, msgspec.Meta(ge=1, le=90)]
    friction_days: Annotated[int, msgspec.Meta(ge=1, le=90)]
    sighting_days: Annotated[int, msgspec.Meta(ge=30, le=366)]


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a mail service spells one mailbox in several ways."""

    aliases: tuple[str, ...] = ()
    dots: bool = False
    plus: bool = False


class Common(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What many have: mailboxes of offices, domains of examples, devices without a name."""

    mailboxes: frozenset[str]
    domains: frozenset[str]
    devices: frozenset[str]


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of `data/returning.toml`."""

    version: str
    families: dict[str, Family]
    kinds: dict[IdentifierKind, Kind]
    classes: dict[str, Class]
    limits: Limits
    mail: dict[str, Mail]
    common: Common

    @property
    def longest(self) -> timedelta:
        """The longest time that anything is kept."""
        return timedelta(days=max(one.days for one in self.classes.values()))

    def expiry(self, harm: str, kind: IdentifierKind, since: datetime, *, minor: bool) -> datetime:
        """Return when a token of this kind ends: by class, family, kind and age, the first."""
        own = self.kinds[kind]
        days = [self.classes[harm].days, self.families[own.family].days, own.days]
        days += [self.limits.minor_days] if minor else []
        return since + timedelta(days=min(days))


@cache
def setting() -> Setting:
    """Return the data as shipped; raises `Problem` for classes, kinds or families nobody knows."""
    text = (resources.files("openhaven.exchange.returning") / "data/returning.toml").read_text()
    found = msgspec.convert(tomllib.loads(text), Setting)
    unknown = found.classes.keys() - HARMS.keys()
    stray = {one.family for one in found.kinds.values()} - found.families.keys()
    if unknown or stray:
        raise Problem("returning.data", "The data on re-registration names what nobody knows.",
                      ", ".join(sorted(unknown | stray)), status=500)  # fmt: skip
    return found


# Epochs ---------------------------------------------------------------------------------------


def epoch_of(day: date) -> str:
    """Return the epoch of a day: its quarter, such as `2026q4`."""
    return f"{day.year:04d}q{(day.month - 1) // 3 + 1}"


def ends(epoch: str) -> date:
    """Return the first day after an epoch."""
    year, quarter = int(epoch[:4]), int(epoch[5])
    return date(year + quarter // 4, quarter % 4 * 3 + 1, 1)


# Matching -------------------------------------------------------------------------------------


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A token that a newcomer met: of which entry and family, and whether it tells people apart.

    `doubted` is that an appeal against the decision is open; `listed` that it came from somebody
    else's list.
    """

    entry: str
    harm: str
    family: str
    strong: bool
    shared: bool = False
    doubted: bool = False
    listed: bool = False


class Answered(msgspec.Struct, frozen=True):
    """What follows from what was met: at most a person's look, or to be asked for more."""

    strength: Strength
    review: bool = False
    friction: bool = False
    harm: str = ""


NOTHING = Answered("none")


def weigh(hits: Collection[Hit], most: Consequence, data: Setting) -> Answered:
    """Return what follows from all that one newcomer met; the gravest of the entries counts.

    An entry counts with two families, one of them strong; a family counts once. What a household
    has in common, what is doubted, and what others sent leads to a person's look and nothing else.
    There is no answer that refuses somebody.
    """
    answers = [_of_entry([hit for hit in hits if hit.entry == entry], most, data)
               for entry in sorted({hit.entry for hit in hits})]  # fmt: skip
    return max(answers, key=_rank, default=NOTHING)


def _rank(one: Answered) -> tuple[bool, bool, int]:
    severity = HARMS[one.harm].severity if one.harm else 0
    return one.review or one.friction, one.review, severity


def _of_entry(hits: Collection[Hit], most: Consequence, data: Setting) -> Answered:
    told = [hit for hit in hits if not hit.shared and hit.family in data.families]
    families = {hit.family for hit in told}
    strong = any(hit.strong and data.families[hit.family].strong for hit in told)
    if len(families) < 2 or not strong:
        return NOTHING
    home = all(data.families[one].household for one in families)
    harm = told[0].harm
    if most == "off":
        return Answered("household" if home else "strong", harm=harm)
    sure = not (home or told[0].doubted or told[0].listed)
    own = data.classes.get(harm)
    soft = most == "friction" and sure and own is not None and own.answer == "friction"
    return Answered("household" if home else "strong", not soft, soft, harm)
