"""A small invented town: people, and what they do, as a platform would report it."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from openhaven.core import AgeBand, EventKind, Visibility
from openhaven.intake.model import Account, Conversation, Event, Target

START = datetime(2026, 3, 2, 7, tzinfo=UTC)
DAY = 24 * 60.0
# Where people live and what they speak: it must make no difference.
PLACES = (("DE", "de"), ("FR", "fr"), ("GB", "en"), ("IN", "hi"), ("JP", "ja"), ("NG", "en"),
          ("MX", "es"), ("TR", "tr"))  # fmt: skip
CHILDREN: tuple[AgeBand, ...] = ("under-13", "13-15", "16-17")


@dataclass(frozen=True)
class Person:
    """An account: how old it is, what the platform knows of that, and how many days it exists."""

    id: str
    band: AgeBand
    shown: AgeBand
    days: float
    country: str
    language: str
    community: str
    harmful: bool = False


@dataclass
class Town:
    """The people of one scenario and their events; one seed gives one town, always the same.

    `ages` is the share of accounts whose age the platform knows.
    """

    scenario: str
    seed: int
    ages: float = 0.85
    people: dict[str, Person] = field(default_factory=dict)
    told: list[tuple[float, int, Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(f"{self.scenario}:{self.seed}")  # noqa: S311 (nothing secret)

    def chance(self, share: float) -> bool:
        """Say yes in this share of cases."""
        return self.dice.random() < share

    def number(self, least: int, most: int) -> int:
        """Return a whole number between the two, both included."""
        return self.dice.randint(least, most)

    def pause(self, mean: float) -> float:
        """Return some minutes, as many as this on average."""
        return self.dice.expovariate(1 / mean)

    def person(
        self,
        band: AgeBand,
        *,
        days: float | None = None,
        shown: AgeBand | None = None,
        harmful: bool = False,
    ) -> Person:
        """Add somebody. Most have been there for a while; of some the platform knows no age."""
        country, language = self.dice.choice(PLACES)
        known = band if self.chance(self.ages) else "unknown"
        one = Person(
            f"{self.scenario}-{self.seed}-{len(self.people)}",
            band,
            shown or known,
            self.dice.uniform(30, 1500) if days is None else days,
            country,
            language,
            self.scenario,
            harmful,
        )
        self.people[one.id] = one
        return one

    def children(self, number: int, *bands: AgeBand) -> list[Person]:
        """Add some children of these bands, or of all."""
        return [self.person(self.dice.choice(bands or CHILDREN)) for _ in range(number)]

    def do(
        self,
        kind: EventKind,
        by: Person,
        to: Person,
        at: float,
        where: Visibility | None = None,
        **context: Any,
    ) -> float:
        """Let something happen `at` minutes after the start; return that moment.

        `context` is what the platform says besides; what is None it does not say.
        """
        talk = None if where is None else Conversation(id=f"talk-{where}", visibility=where)
        if where == "group":
            talk = Conversation(id=f"group-{self.scenario}-{self.seed}", visibility="group")
        number = len(self.told)
        event = Event(
            id=f"{self.scenario}-{self.seed}-e{number}",
            kind=kind,
            at=START + timedelta(minutes=at),
            account=_account(by),
            target=Target(account=_account(to)),
            conversation=talk,
            context={name: value for name, value in context.items() if value is not None},
        )
        self.told.append((at, number, event))
        return at

    def write(self, by: Person, to: Person, at: float, **context: Any) -> float:
        """Let somebody write privately."""
        return self.do("message.send", by, to, at, "private", **context)

    def talk(
        self, one: Person, other: Person, at: float, messages: int, answers: float, **context: Any
    ) -> float:
        """Let two write to each other: after each message the other one answers in this share."""
        for _ in range(messages):
            at = self.write(one, other, at + self.pause(90), **context)
            if self.chance(answers):
                at = self.write(other, one, at + self.pause(60), **context)
        return at

    @property
    def events(self) -> list[Event]:
        """Everything that happened, in order."""
        return [event for _, _, event in sorted(self.told, key=lambda one: one[:2])]


def _account(one: Person) -> Account:
    made = START - timedelta(days=one.days)
    return Account(id=one.id, created_at=made, age_band=one.shown, country=one.country)
