"""`/v1/support`: who can help, and whether a search is a cry for help. Nothing is kept.

What somebody searches for is sent by POST: an address stands in the logs of proxies.
"""

import re
from collections.abc import Iterable
from typing import Annotated, get_args

import msgspec

from openhaven.core import AgeBand, Problem
from openhaven.core.words import translate
from openhaven.support.asking import find
from openhaven.support.cries import LONGEST
from openhaven.support.directory import Directory
from openhaven.support.model import Cost, Service, audience
from openhaven.support.places import COUNTRIES, emergency
from openhaven.support.topics import TOPICS
from openhaven.web.call import Answer, Call, as_json
from openhaven.web.urls import Form

_BANDS: tuple[AgeBand, ...] = get_args(AgeBand)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_MOST_TOPICS = 10
# As long as a wrong number may live on in a cache.
_KEPT = "public, max-age=300"


class Way(msgspec.Struct, frozen=True):
    """One service as the API tells it. Empty fields are not there, or not known."""

    id: str
    name: str
    country: str
    languages: tuple[str, ...]
    topics: tuple[str, ...]
    age_from: int
    age_to: int
    audience: str
    hours: str
    call: str
    text: str
    chat: str
    web: str
    cost: Cost
    verified_on: str | None


class Help(msgspec.Struct, frozen=True):
    """Who can help, the best first.

    `topics` are those that were asked for or found in the query; without any in it, there are no
    services. `emergency` are the numbers of the country for danger now, `page` is our page of help.
    """

    topics: tuple[str, ...]
    services: tuple[Way, ...]
    emergency: tuple[str, ...]
    page: str


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who asks for help with what. `query` is what somebody typed into a search box."""

    country: str = ""
    topics: tuple[str, ...] = ()
    age_band: str = "unknown"
    language: str = ""
    query: Annotated[str, msgspec.Meta(max_length=LONGEST)] | None = None


def get_support(call: Call) -> Answer:
    """`GET /v1/support`: who helps with a topic in a country at an age, in a language."""
    call.haven.support.current()
    return _answer(call, _in_address(call))


def post_support(call: Call) -> Answer:
    """`POST /v1/support`: the same, and whether a search is a cry for help."""
    call.haven.support.current()
    return _answer(call, call.json(Asked))


def get_at_once(call: Call) -> Answer | None:
    """Answer from memory; None when the directory has to be looked at first."""
    return _answer(call, _in_address(call)) if call.haven.support.is_recent else None


def post_at_once(call: Call) -> Answer | None:
    """Answer from memory; None when the directory has to be looked at first."""
    return _answer(call, call.json(Asked)) if call.haven.support.is_recent else None


def _in_address(call: Call) -> Asked:
    """Return what an address asks for; a search in it is refused, before anybody relies on that."""
    if "query" in call.query:
        raise Problem(
            "support.query",
            "A search does not belong into an address.",
            "Addresses stand in logs, and this may be a cry for help.",
            next_step="Send it by POST, as the field `query` of a JSON body.",
        )
    asked = call.query
    values = asked.all("topic") if isinstance(asked, Form) else (asked.get("topic", ""),)
    topics = tuple(one for value in values for one in value.split(",") if one)
    return Asked(
        country=asked.get("country", ""), topics=topics,
        age_band=asked.get("age_band", "unknown"), language=asked.get("language", ""),
    )  # fmt: skip


def _answer(call: Call, asked: Asked) -> Answer:
    held = call.haven.support
    country, band = _country(asked.country) or held.country, _band(asked.age_band)
    topics, language = _topics(asked.topics), _language(asked.language) or call.language
    kept = "no-store" if call.method == "POST" else _KEPT
    if asked.query is not None:
        topics = tuple(dict.fromkeys((*topics, *held.cries.topics(asked.query))))
        if not topics:
            return _made(call, Help((), (), (), _page(call)), kept=kept)
    ways = ways_of(held.now, country, topics, band, language, call.language)
    return _made(call, Help(topics, ways, emergency(country), _page(call)), kept=kept)


def ways_of(
    held: Directory, country: str, topics: tuple[str, ...], band: AgeBand, language: str,
    spoken: str = "",
) -> tuple[Way, ...]:  # fmt: skip
    """Return who can help as the API tells it; the same question costs microseconds.

    `spoken` is the language of our own sentences, where it is not that of who asks.
    """
    asked = (country, topics, band, language, spoken)

    def make() -> tuple[Way, ...]:
        found = find(held, country, topics, band, language)
        return tuple(_way(one, spoken or language) for one in found)

    return held.told(asked, make)


def _made(call: Call, told: Help, *, kept: str) -> Answer:
    # Its sentences follow the browser's languages when none is asked for.
    headers = {"cache-control": kept, "content-language": call.language, "vary": "accept-language"}
    return as_json(told, headers=headers)


def _page(call: Call) -> str:
    return f"{call.haven.settings.url}/help"


def _way(one: Service, language: str) -> Way:
    said, values = audience(one)
    return Way(
        id=one.id, name=one.name, country=one.country, languages=one.languages,
        topics=one.topics, age_from=one.age_from, age_to=one.age_to,
        audience=translate(language, said, **values), hours=one.hours, call=one.call,
        text=one.text, chat=one.chat, web=one.web, cost=one.cost,
        verified_on=one.verified_on.isoformat() if one.verified_on else None,
    )  # fmt: skip


def _country(given: str) -> str:
    if given and given not in COUNTRIES:
        raise _wrong("country", "two capital letters of ISO 3166, such as GB")
    return given


def _topics(given: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(given))
    if len(found) > _MOST_TOPICS or not TOPICS.keys() >= set(found):
        raise _wrong("topic", "one of " + ", ".join(TOPICS))
    return found


def _band(given: str) -> AgeBand:
    for band in _BANDS:
        if given == band:
            return band
    raise _wrong("age_band", "one of " + ", ".join(_BANDS))


def _language(given: str) -> str:
    if given and not _LANGUAGE.fullmatch(given[:40]):
        raise _wrong("language", "a code of BCP 47, such as en or pt-BR")
    return given


def _wrong(name: str, right: str) -> Problem:
    return Problem("support.asked", f"The parameter {name} is not right.", right,
                   next_step="Mend it, or leave it out.")  # fmt: skip
