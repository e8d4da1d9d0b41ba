"""Who can help: the search over a snapshot of the directory. Pure, quick, and never empty."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date
from typing import Any, TypeVar

from openhaven.core import AgeBand
from openhaven.support.model import DIRECTORIES, Service
from openhaven.support.places import regions

T = TypeVar("T")
VERIFIED_DAYS = 180
MOST = 8
_REMEMBERED = 4_096


class Directory:
    """All services at one moment. It never changes, so that an answer can be remembered."""

    def __init__(self, services: Iterable[Service], day: date, *, days: int = VERIFIED_DAYS):
        """Take the services; `day` is today, and a verification counts for `days`."""
        self.services = tuple(services)
        self.day, self.days = day, days
        self._by_place: dict[str, list[Service]] = {}
        for one in self.services:
            self._by_place.setdefault(one.country, []).append(one)
        self._found: dict[tuple[object, ...], tuple[Service, ...]] = {}
        self._told: dict[tuple[object, ...], Any] = {}

    def find(
        self,
        country: str = "",
        topics: Sequence[str] = (),
        age_band: AgeBand = "unknown",
        language: str = "",
    ) -> tuple[Service, ...]:
        """Return who helps there with one of the topics at this age, the best first.

        Without topics, whoever helps with anything; without a country, whoever helps everywhere.
        The maintained international directories stand last, and are always there.
        """
        asked = (country, tuple(topics), age_band, language)
        found = self._found.get(asked)
        if found is None:
            found = self._search(country, tuple(topics), age_band, language)
            _remember(self._found, asked, found)
        return found

    def told(self, asked: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return what `make` returns, remembered under `asked` for as long as nothing changes."""
        found: T | None = self._told.get(asked)
        if found is None:
            found = make()
            _remember(self._told, asked, found)
        return found

    @property
    def visible(self) -> frozenset[str]:
        """The ids of the services that somebody might be shown."""
        return frozenset(
            one.id for one in self.services if all(map(self.may_be_shown, self._group(one)))
        )

    @property
    def stale(self) -> tuple[Service, ...]:
        """Services that were verified once, too long ago: somebody has to look again."""
        return tuple(
            one
            for one in self.services
            if one.verified_on is not None and not one.is_fresh(self.day, self.days)
        )

    def may_be_shown(self, one: Service) -> bool:
        """Say whether a service may be shown: with a number, only what was verified lately."""
        return not one.has_number or one.is_fresh(self.day, self.days)

    def _search(
        self, country: str, topics: tuple[str, ...], band: AgeBand, language: str
    ) -> tuple[Service, ...]:
        ranked: list[tuple[tuple[int, ...], str, Service]] = []
        taken: set[str] = set()
        for near, place in enumerate(regions(country)):
            for one in self._by_place.get(place, ()):
                if one.id in taken or not (one.helps_at(band) and one.helps_with(topics)):
                    continue
                group = self._group(one)
                taken.update(each.id for each in group)
                rank = (near, *_rank(one, topics, language))
                if all(map(self.may_be_shown, group)):
                    ranked += [(rank, one.id, each) for each in group]
        ranked.sort(key=lambda each: each[:2])
        last = tuple(one for one in DIRECTORIES if one.helps_at(band))
        return (*_whole_groups([each[2] for each in ranked]), *last)

    def _group(self, one: Service) -> list[Service]:
        """Return a service with those it is paired with: both are shown, or none."""
        if not one.pair:
            return [one]
        return [each for each in self._by_place[one.country] if each.pair == one.pair]


def _remember(held: dict[tuple[object, ...], Any], asked: tuple[object, ...], found: Any) -> None:
    """Remember an answer; the oldest gives way.

    Anybody may ask anything. If strange questions could fill this for good, an answer that names
    help would take longer than one that does not, and so tell who is a child.
    """
    while len(held) >= _REMEMBERED:
        with suppress(KeyError, RuntimeError, StopIteration):  # threads share it without a lock
            del held[next(iter(held))]
    held[asked] = found


def _rank(one: Service, topics: tuple[str, ...], language: str) -> tuple[int, int]:
    """Return how well a service fits, smaller is better: the same topic, then the language."""
    spoken = {each.partition("-")[0] for each in one.languages}
    return (
        int(set(topics).isdisjoint(one.topics)),
        int(bool(language) and language.partition("-")[0].lower() not in spoken),
    )


def _whole_groups(found: list[Service]) -> list[Service]:
    """Return the first few, without tearing apart what is paired."""
    end = MOST
    while end < len(found) and found[end].pair and found[end].pair == found[end - 1].pair:
        end += 1
    return found[:end]
