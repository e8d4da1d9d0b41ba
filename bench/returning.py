"""`make scenarios-returning`: of those who come back, how many are met, and how often others are.

Invented towns with households, handed-on numbers, schools and cafés; the spelling, keys, tokens,
ends and weighing are the product's own. The data was chosen on the seeds of TUNING; what is printed
is of those of HELD_OUT, which nothing was chosen by. The last line is one JSON object.
"""

import argparse
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from openhaven.exchange.returning import keys
from openhaven.exchange.returning.model import Hit, Setting, setting, weigh
from openhaven.intake.model import Identifier, IdentifierKind
from openhaven.policy.shares import wilson

TUNING = range(20)
HELD_OUT = range(7_000_000, 7_000_040)
ENDED, STRANGERS, HOUSES = 120, 3_000, 1_500
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
HARM = "harassment"
KINDS: tuple[IdentifierKind, ...] = ("email", "phone", "payment", "device", "network", "picture")
# How likely each is the same when somebody comes back who takes more and more care not to be known.
KEEPS = {
    "careless": (0.5, 0.6, 0.8, 0.9, 0.8, 0.5),
    "careful": (0.0, 0.25, 0.4, 0.6, 0.6, 0.1),
    "determined": (0.0, 0.0, 0.05, 0.1, 0.2, 0.0),
}
Held = dict[IdentifierKind, str]
Known = dict[bytes, list[tuple[str, keys.Token, datetime]]]


class Newcomer(NamedTuple):
    """Somebody who signs up: who they are, after how many days, and what they give."""

    group: str
    account: str
    day: int
    given: Held


class Town:
    """People in households, with what they are known by; everything by chance of one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 (a town is made by chance)
        self.numbers = 0
        self.homes = [self._home() for _ in range(HOUSES)]

    def fresh(self, kind: IdentifierKind) -> str:
        """Return an identifier that nobody had before, or one of those that many have."""
        self.numbers += 1
        number = self.numbers
        match kind:
            case "email":
                return f"person.{number}@post.example.edu"
            case "phone":
                return f"+4420794{number:06d}"
            case "payment":
                return f"fingerprint-{number:09d}"
            case "device":
                return f"device-{number:09d}"
            case "network":
                # A line of one's own, or one of the networks of a school, a café, a carrier.
                shared = self.chance.random() < 0.35
                return self._net(self.chance.randrange(40) if shared else 1_000 + number)
            case _:
                common = self.chance.random() < 0.25
                return f"{self.chance.randrange(20) if common else 1_000 + number:064x}"

    @staticmethod
    def _net(number: int) -> str:
        return f"198.{number // 65_536 % 256}.{number // 256 % 256}.{number % 256}" if (
            number < 40
        ) else f"2001:db8:{number % 65_536:x}:{number // 65_536:x}::1"  # fmt: skip

    def _home(self) -> list[Held]:
        """Return the people of one household: a line together, a card, a tablet, a telephone."""
        line, card, tablet = (self.fresh(one) for one in ("network", "payment", "device"))
        telephone = self.fresh("phone")
        people = []
        for _ in range(self.chance.choice((1, 1, 2, 2, 3, 4, 5))):
            person: Held = {"email": self.fresh("email"), "network": line}
            person["device"] = tablet if self.chance.random() < 0.3 else self.fresh("device")
            if self.chance.random() < 0.7:
                theirs = self.chance.random() < 0.15
                person["phone"] = telephone if theirs else self.fresh("phone")
            if self.chance.random() < 0.5:
                shares = self.chance.random() < 0.5
                person["payment"] = card if shares else self.fresh("payment")
            if self.chance.random() < 0.6:
                person["picture"] = self.fresh("picture")
            people.append(person)
        return people

    def again(self, person: Held, effort: str) -> Held:
        """Return what somebody gives who comes back, with more or less effort to be another."""
        keeps = dict(zip(KINDS, KEEPS[effort], strict=True))
        given: Held = {}
        for kind, value in person.items():
            same = self.chance.random() < keeps[kind]
            given[kind] = self._respelled(kind, value) if same else self.fresh(kind)
        return given

    def _respelled(self, kind: IdentifierKind, value: str) -> str:
        if kind == "phone" and self.chance.random() < 0.5:
            return f"00{value[1:5]} {value[5:]}"
        return value.upper() if kind == "email" and self.chance.random() < 0.3 else value


def newcomers(town: Town, ended: Sequence[tuple[int, Held]]) -> Iterator[Newcomer]:
    """Yield who signs up in the year after, in the order of days."""
    chance, found = town.chance, []
    for number, (home, person) in enumerate(ended):
        for effort in ("careless", "careful", "determined"):
            day = min(360, int(chance.expovariate(1 / 45)))
            found.append(Newcomer(effort, f"{effort}-{number}", day, town.again(person, effort)))
        found += [
            Newcomer("household", f"home-{number}-{at}", chance.randrange(360), other)
            for at, other in enumerate(town.homes[home])
            if other is not person
        ]
    for number in range(STRANGERS):
        stranger = dict(chance.choice(town.homes[ENDED:])[0])
        stranger |= {kind: town.fresh(kind) for kind in ("email", "device", "network", "picture")}
        if chance.random() < 0.02:
            # A number, or a used tablet, that somebody else had before.
            _, before = chance.choice(ended)
            kind: IdentifierKind = chance.choice(("phone", "phone", "device"))
            stranger |= {kind: before[kind]} if kind in before else {}
        found.append(Newcomer("stranger", f"stranger-{number}", chance.randrange(360), stranger))
    yield from sorted(found, key=lambda one: (one.day, one.account))


def run(seed: int, data: Setting) -> Counter[tuple[str, str]]:
    """Return how often each group got which answer in the town of one seed."""
    town = Town(seed)
    ended = [(home, town.homes[home][0]) for home in range(ENDED)]
    root = keys.Root(keys.OWN, f"town-{seed}", "2026q1", town.chance.randbytes(32))
    known: Known = defaultdict(list)
    for number, (_, person) in enumerate(ended):
        for token in keys.tokens(_given(person), [root], data):
            until = data.expiry(HARM, token.kind, SINCE, minor=False)
            known[token.token].append((str(number), token, until))
    crowd: dict[bytes, set[str]] = defaultdict(set)
    said: Counter[tuple[str, str]] = Counter()
    for one in newcomers(town, ended):
        said[one.group, _answer(one, root, known, crowd, data)] += 1
    return said


def _given(held: Held) -> list[Identifier]:
    return [Identifier(kind, value) for kind, value in held.items()]


def _answer(
    one: Newcomer, root: keys.Root, known: Known, crowd: dict[bytes, set[str]], data: Setting
) -> str:
    """Return what follows for a newcomer; who meets a token alone counts to its crowd."""
    now = SINCE + timedelta(days=one.day)
    met = [(entry, token) for mine in keys.tokens(_given(one.given), [root], data)
           for entry, token, until in known.get(mine.token, ()) if until > now]  # fmt: skip
    hits = [Hit(entry=entry, harm=HARM, family=token.family, strong=token.strong,
                shared=len(crowd[token.token]) >= data.families[token.family].crowd)
            for entry, token in met]  # fmt: skip
    for entry in {hit.entry for hit in hits}:
        alone = weigh([hit for hit in hits if hit.entry == entry], "review", data)
        for other, token in met if not alone.review else ():
            if other == entry:
                crowd[token.token].add(one.account)
    said = weigh(hits, "friction", data)
    return "friction" if said.friction else "review" if said.review else "passed"


def report(seeds: Sequence[int]) -> dict[str, Any]:
    """Run all towns, print a table, and return the figures."""
    data = setting()
    total: Counter[tuple[str, str]] = Counter()
    for seed in seeds:
        total += run(seed, data)
    found: dict[str, Any] = {"seeds": [seeds[0], seeds[-1]], "towns": len(seeds),
                             "tuned_on": [TUNING[0], TUNING[-1]], "data": data.version}  # fmt: skip
    _print(f"Seeds {seeds[0]} to {seeds[-1]}; chosen on {TUNING[0]} to {TUNING[-1]}")
    _print(f"{'':12} {'people':>7}  {'met':>22}  {'asked for more':>22}  {'looked at':>22}")
    for group in ("careless", "careful", "determined", "household", "stranger"):
        of = sum(n for (name, _), n in total.items() if name == group)
        asked, looked = total[group, "friction"], total[group, "review"]
        shares = {"met": asked + looked, "friction": asked, "review": looked}
        found[group] = {"people": of} | {name: _share(n, of) for name, n in shares.items()}
        _print(f"{group:12} {of:7}  " + "  ".join(_said(n, of) for n in shares.values()))
    return found


def _share(hits: int, of: int) -> dict[str, Any]:
    one = wilson(hits, of)
    rounded = [None if end is None else round(end, 5) for end in (one.share, one.low, one.high)]
    return {"n": hits} | dict(zip(("share", "low", "high"), rounded, strict=True))


def _said(hits: int, of: int) -> str:
    one = wilson(hits, of)
    return f"{one.share:7.2%} ({one.low:6.2%}–{one.high:6.2%})" if of else "nobody"


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def main() -> int:
    """Print what was measured; the last line is for machines."""
    parser = argparse.ArgumentParser(prog="make scenarios-returning", description=__doc__)
    parser.add_argument("--towns", type=int, default=len(HELD_OUT))
    parser.add_argument("--tuning", action="store_true", help="the seeds that were tuned on")
    given = parser.parse_args()
    seeds = (TUNING if given.tuning else HELD_OUT)[: given.towns]
    _print(json.dumps(report(seeds)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
