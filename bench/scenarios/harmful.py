"""Patterns of harm, as the public reports of child protection centres describe them: contacts only.

Each town has one such account among children who live their lives. It shows its age, says to be a
teenager, or says nothing.
"""

from collections.abc import Callable

from bench.scenarios.town import DAY, Person, Town
from openhaven.core import AgeBand


def _stranger(town: Town, days: float, *shown: AgeBand) -> Person:
    return town.person("18-plus", days=days, shown=town.dice.choice(shown), harmful=True)


def _victims(town: Town, number: int) -> list[Person]:
    """Add children, and let them live: they write to each other."""
    children = town.children(number)
    for _ in range(number):
        one, other = town.dice.sample(children, 2)
        town.talk(one, other, town.pause(5 * DAY), town.number(1, 4), 0.8)
    return children


def fan_out(town: Town) -> None:
    """Grooming, wide: dozens of children within days; few answer, these go private at once."""
    one = _stranger(town, town.dice.uniform(0, 200), "18-plus", "18-plus", "unknown", "unknown",
                    "16-17")  # fmt: skip
    at = town.pause(300)
    for child in _victims(town, town.number(18, 50)):
        at += town.pause(90)
        first = town.dice.choice(["contact.request", "comment.create"])
        town.do(first, one, child, at, "public" if first == "comment.create" else None)
        if town.chance(0.25):
            town.do("contact.accept", child, one, at + town.pause(30))
            elsewhere = True if town.chance(0.4) else None
            then = town.write(one, child, at + town.pause(30), invites_elsewhere=elsewhere)
            town.talk(one, child, then, town.number(1, 8), 0.5)
        if town.chance(0.08):
            town.do("contact.block", child, one, at + town.pause(400))


def slow_grooming(town: Town) -> None:
    """Grooming, slow: a handful of children, weeks of private talk, then away to another place."""
    one = _stranger(town, town.dice.uniform(20, 400), "18-plus", "18-plus", "unknown")
    _victims(town, 10)
    for child in town.children(town.number(3, 6), "under-13", "13-15", "13-15"):
        at = town.do("comment.create", one, child, town.pause(3 * DAY), "public")
        at = town.write(one, child, at + town.pause(200))
        for _ in range(town.number(8, 18)):
            at = town.talk(one, child, at + town.pause(DAY), town.number(2, 6), 0.85)
        if town.chance(0.7):
            town.write(one, child, at + 30, invites_elsewhere=True)
            town.talk(one, child, at + 40, 3, 0.6)


def sextortion_burst(town: Town) -> None:
    """Sextortion: a new account, mostly said to be a teenager's, asks a whole school at once."""
    one = _stranger(town, town.dice.uniform(0, 10), "16-17", "16-17", "13-15", "unknown", "18-plus")
    cluster = "school" if town.chance(0.7) else None
    at = town.pause(300)
    for child in _victims(town, town.number(20, 60)):
        at = town.do("contact.request", one, child, at + town.pause(2), cluster=cluster)
        if town.chance(0.4):
            town.do("contact.accept", child, one, at + town.pause(40))
            then = town.talk(one, child, at + 45, town.number(2, 5), 0.7)
            if town.chance(0.6):
                then = town.write(one, child, then + 5, invites_elsewhere=True)
            if town.chance(0.5):
                town.talk(one, child, then, town.number(3, 10), 0.1)
                if town.chance(0.6):
                    end = "contact.block" if town.chance(0.7) else "report.create"
                    town.do(end, child, one, then + town.pause(200))  # type: ignore[arg-type]


def off_platform(town: Town) -> None:
    """A mover: some children a week, a few friendly messages, and “let us go on elsewhere”."""
    one = _stranger(town, town.dice.uniform(0, 90), "18-plus", "unknown", "18-plus", "16-17")
    for child in _victims(town, town.number(8, 16)):
        at = town.do("contact.request", one, child, town.pause(4 * DAY))
        if town.chance(0.6):
            at = town.do("contact.accept", child, one, at + town.pause(60))
            at = town.talk(one, child, at, town.number(1, 4), 0.7)
            if town.chance(0.7):
                town.write(one, child, at + 5, invites_elsewhere=True)
        elif town.chance(0.1):
            town.do("contact.block", child, one, at + town.pause(200))


def cluster_burst(town: Town) -> None:
    """Somebody from outside asks all members of a school's group, as fast as it goes."""
    one = _stranger(town, town.dice.uniform(0, 60), "18-plus", "unknown", "unknown", "16-17")
    at = town.pause(300)
    for child in _victims(town, town.number(15, 40)):
        at = town.do("contact.request", one, child, at + town.pause(1.5), cluster="school")
        if town.chance(0.2):
            town.do("contact.accept", child, one, at + town.pause(60))
            town.write(one, child, at + 70)
        if town.chance(0.1):
            town.do("contact.block", child, one, at + town.pause(60))


def goes_on(town: Town) -> None:
    """Somebody who does not take no: blocked, and there again, with a child of the same town."""
    one = _stranger(town, town.dice.uniform(0, 300), "18-plus", "unknown")
    for child in _victims(town, town.number(2, 6)):
        at = town.do("contact.request", one, child, town.pause(5 * DAY))
        if town.chance(0.7):
            town.do("contact.block", child, one, at + town.pause(300))
        for _ in range(town.number(1, 3)):
            at = town.do("contact.request", one, child, at + 310 + town.pause(DAY))


HARMFUL: dict[str, Callable[[Town], None]] = {
    one.__name__: one
    for one in (fan_out, slow_grooming, sextortion_burst, off_platform, cluster_burst, goes_on)
}
