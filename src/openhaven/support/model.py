"""What is known of a service that helps, and when it may be shown. Values."""

import hashlib
from datetime import date, timedelta
from typing import Literal, get_args

import msgspec

from openhaven.core import AgeBand, canonical
from openhaven.core.words import mark

Cost = Literal["unknown", "free", "standard", "paid"]
COSTS: tuple[str, ...] = get_args(Cost)
ANYWHERE = "*"
OLDEST = 120
# Whoever helps with everything.
EVERYTHING = "all"
# The ages in full years that a band may stand for; at an unknown age, any.
AGES: dict[AgeBand, tuple[int, int]] = {
    "under-13": (0, 12),
    "13-15": (13, 15),
    "16-17": (16, 17),
    "18-plus": (18, OLDEST),
    "unknown": (0, OLDEST),
}


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service: whom it helps, with what, and how it is reached.

    `country` is an ISO 3166 code, `EU`, or `*` for everywhere; ages are full years, both ends
    included. `call` and `text` are numbers, `chat` and `web` addresses (https). Services of one
    country with the same `pair` are shown all or none. `verified_on` is the day on which
    `verified_by` saw that all of it is true.
    """

    id: str
    country: str
    name: str
    languages: tuple[str, ...] = ()
    topics: tuple[str, ...] = (EVERYTHING,)
    age_from: int = 0
    age_to: int = OLDEST
    hours: str = ""
    call: str = ""
    text: str = ""
    chat: str = ""
    web: str = ""
    cost: Cost = "unknown"
    pair: str = ""
    verified_on: date | None = None
    verified_by: str = ""

    @property
    def has_number(self) -> bool:
        """Whether somebody would call or write to a number: wrong ones do harm."""
        return bool(self.call or self.text)

    @property
    def content(self) -> str:
        """The SHA-256 (hex) of all that somebody verifies: everything but the verification."""
        told = msgspec.to_builtins(self)
        del told["verified_on"], told["verified_by"]
        return hashlib.sha256(canonical(told)).hexdigest()

    def is_fresh(self, today: date, days: int) -> bool:
        """Say whether somebody verified it within the last `days`; a later day counts as none."""
        on = self.verified_on
        return on is not None and timedelta() <= today - on <= timedelta(days=days)

    def helps_at(self, band: AgeBand) -> bool:
        """Say whether somebody of this band of ages may turn to it."""
        least, most = AGES[band]
        return self.age_from <= most and least <= self.age_to

    def helps_with(self, topics: tuple[str, ...]) -> bool:
        """Say whether it helps with one of these topics; without topics, with anything."""
        return not topics or EVERYTHING in self.topics or not set(topics).isdisjoint(self.topics)


class Kept(Service, frozen=True, kw_only=True):
    """A service as it is stored: where it came from, and when it was withdrawn."""

    source: str
    withdrawn: bool = False

    def plain(self) -> Service:
        """Return it as people see it."""
        return Service(**{name: getattr(self, name) for name in Service.__struct_fields__})


# What the world keeps up to date better than we could. Shown to everybody, last; and alone where
# nothing of ours was verified.
DIRECTORIES: tuple[Service, ...] = (
    Service(
        id="find-a-helpline",
        country=ANYWHERE,
        name="Find A Helpline",
        web="https://findahelpline.com/",
    ),
    Service(
        id="child-helpline-international",
        country=ANYWHERE,
        name="Child Helpline International",
        age_to=25,
        web="https://childhelplineinternational.org/helplines/",
    ),
)

COST_WORDS: dict[Cost, str] = {
    "unknown": "",
    "free": mark("It costs nothing."),
    "standard": mark("It costs as much as other calls or messages."),
    "paid": mark("It costs extra."),
}


def audience(service: Service) -> tuple[str, dict[str, int]]:
    """Return for whom a service is: a sentence for the catalogues, and its numbers."""
    least, most = service.age_from, service.age_to
    if least <= 0 and most >= OLDEST:
        return "", {}
    if least <= 0:
        return mark("For everybody under {age}"), {"age": most + 1}
    if most >= OLDEST:
        return mark("For everybody from {age} on"), {"age": least}
    return mark("For ages {least} to {most}"), {"least": least, "most": most}
