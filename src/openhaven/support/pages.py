"""The page of help for everybody, and the directory in the console. Thin."""

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from babel.core import Locale, UnknownLocaleError

from openhaven import support
from openhaven.core import AgeBand
from openhaven.support.model import AGES, COST_WORDS, Kept
from openhaven.support.places import COUNTRIES
from openhaven.support.store import kept, verifications
from openhaven.support.topics import TOPICS
from openhaven.web import Answer, Call, page, see_other

# For everybody --------------------------------------------------------------------------------


def help_page(call: Call) -> Answer:
    """`GET /help`: who can help; `?country=`, `?topic=` and `?age_band=` choose.

    What is not known of these is left out: at a painful moment nobody is shown an error.
    """
    return _help(call, call.query)


def help_chosen(call: Call) -> Answer:
    """`POST /help`: the same for a choice that does not stand in the browser's history."""
    return _help(call, call.form())


def _help(call: Call, asked: Mapping[str, str]) -> Answer:
    held = call.haven.support
    country = asked.get("country", "")
    country = country if country in COUNTRIES else held.country
    topics = tuple(one for one in asked.get("topic", "").split(",") if one in TOPICS)[:10]
    band = _band(asked.get("age_band", ""))
    found = support.find(held.current(), country, topics, band, call.language)
    return page(
        call, "support/help_page.html", services=found, country=country, topics=topics, band=band,
        all_topics=TOPICS, places=places(call.language),
        chosen=bool(asked.get("country") or topics or band != "unknown"),
    )  # fmt: skip


def _band(given: str) -> AgeBand:
    return next((band for band in AGES if band == given), "unknown")


class Place(NamedTuple):
    """A country: its code, and its name in some language."""

    code: str
    name: str


@cache
def places(language: str) -> tuple[Place, ...]:
    """Return every country by its name in a language (Unicode CLDR), in the order of the names."""
    try:
        names = Locale.parse(language, sep="-").territories
    except (UnknownLocaleError, ValueError):
        names = Locale.parse("en").territories
    found = [Place(code, names.get(code, code)) for code in COUNTRIES]
    return tuple(sorted(found, key=lambda one: _bare(one.name)))


def _bare(name: str) -> str:
    """Return a name without accents, so that Österreich stands with O."""
    parts = unicodedata.normalize("NFKD", name)
    return "".join(one for one in parts if not unicodedata.combining(one)).casefold()


# For staff ------------------------------------------------------------------------------------


class Line(NamedTuple):
    """A service in the console: how old its verification is, and whether people see it."""

    service: Kept
    state: str
    shown: bool


def helplines(call: Call) -> Answer:
    """`GET /console/helplines`: every service, and when somebody last saw that it is true."""
    with call.haven.db.read(call.now) as tx:
        services = kept(tx)
        held = support.directory(tx, days=call.haven.settings.helplines.verified_days)
    lines = [
        Line(one, _state(one, held), not one.withdrawn and one.id in held.visible)
        for one in services
    ]
    return page(call, "support/console.html", lines=lines, days=held.days,
                stale=sum(line.state == "stale" for line in lines),
                done=call.query.get("done", ""))  # fmt: skip


def _state(one: Kept, held: support.Directory) -> str:
    if one.withdrawn:
        return "withdrawn"
    if one.verified_on is None:
        return "never"
    return "fresh" if one.is_fresh(held.day, held.days) else "stale"


def helpline(call: Call) -> Answer:
    """`GET /console/helplines/{id}`: one service, all of it, and who verified it when."""
    with call.haven.db.read(call.now) as tx:
        held = support.directory(tx, days=call.haven.settings.helplines.verified_days)
        one = support.one_kept(tx, call.path["id"])
        seen = verifications(tx, one.id)
    return page(call, "support/one.html", one=one, seen=seen, state=_state(one, held),
                days=held.days, cost=COST_WORDS[one.cost])  # fmt: skip


def verify(call: Call) -> Answer:
    """`POST /console/helplines/{id}/verify`: I saw today that all of this is true.

    `content` is what the page showed, so that nobody verifies what was changed meanwhile.
    """
    assert call.staff is not None
    service = call.path["id"]
    with call.haven.db.begin(call.actor, call.now) as tx:
        support.verify(tx, service, call.staff.name, content=call.form().get("content", ""))
    call.haven.support.forget()
    return see_other(f"/console/helplines?done={service}")


def withdraw(call: Call) -> Answer:
    """`POST /console/helplines/{id}/withdraw`: people are no longer sent there."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        support.withdraw(tx, call.path["id"])
    call.haven.support.forget()
    return see_other("/console/helplines")
