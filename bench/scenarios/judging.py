"""Runs towns through the real counting and the real rules, in memory, and counts who is found."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bench.scenarios.town import START, Person, Town
from openhaven.history import Replay
from openhaven.policy import Pack
from openhaven.signals.behaviour.who import meeting


@dataclass
class Outcome:
    """What became of one account: which rules asked for a look, and after how many children.

    `reached` is how many different accounts it had contacted when a person was first asked.
    `approached` says whether it ever turned to a child as a grown-up or one of unknown age does.
    """

    person: Person
    rules: set[str] = field(default_factory=set)
    reached: int = 0
    approached: bool = False
    days: float = 0.0

    @property
    def found(self) -> bool:
        """Whether a person was asked to look at it."""
        return bool(self.rules)


def live(town: Town, pack: Pack) -> list[Outcome]:
    """Judge all that happens in a town; return what became of each who contacted somebody."""
    replay = Replay(pack.counters)
    outcomes: dict[str, Outcome] = {}
    contacted: dict[str, set[str]] = {}
    for event in town.events:
        values = replay.take("town", event)
        if event.kind in ("contact.accept", "contact.block", "report.create"):
            continue
        one = outcomes.setdefault(event.account.id, Outcome(town.people[event.account.id]))
        if event.target is not None and event.target.account is not None:
            contacted.setdefault(event.account.id, set()).add(event.target.account.id)
        meets = meeting(event)
        one.approached = one.approached or (meets is not None and meets.uneven)
        verdict = pack.evaluate(event, (), values)
        if verdict.outcome != "allow" and not one.rules:
            one.reached = len(contacted[event.account.id])
            one.days = (event.at - START).total_seconds() / 86_400
        one.rules.update(reason.rule for reason in verdict.reasons if reason.outcome == "review")
    return list(outcomes.values())


def town_of(scenario: str, seed: int, build: Callable[[Town], None]) -> Town:
    """Return the town of a scenario and a seed."""
    town = Town(scenario, seed)
    build(town)
    return town


def judged(
    scenario: str, build: Callable[[Town], None], seeds: Iterable[int], pack: Pack
) -> list[Outcome]:
    """Return what became of everybody in all towns of a scenario."""
    return [one for seed in seeds for one in live(town_of(scenario, seed, build), pack)]


def rules_of(outcomes: Iterable[Outcome]) -> Counter[str]:
    """Return how many accounts each rule asked to look at."""
    return Counter(rule for one in outcomes for rule in one.rules)


__all__ = ["Outcome", "judged", "live", "rules_of", "town_of"]
