"""How pages are made: the templates, and the few words and shapes that they share."""

import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from plaza import cast, speaking, words
from plaza.model import Account

_HUES = 12
_ENGLISH = speaking.speaker("en")


def ago(at: str, say: Callable[..., str] = _ENGLISH) -> str:
    """Return how long ago a stored moment was, in words; `say` puts them into a language."""
    moment = datetime.fromisoformat(at)
    seconds = (datetime.now(UTC) - moment).total_seconds()
    if seconds < 60:
        return say("just now") if seconds < 10 else say("{n} s ago", n=int(seconds))
    if seconds < 3600:
        return say("{n} min ago", n=int(seconds / 60))
    if seconds < 86_400:
        return say("{n} h ago", n=int(seconds / 3600))
    return f"{moment:%Y-%m-%d}"


def hue(id_: str) -> int:
    """Return one of twelve colours for a persona, always the same."""
    return zlib.crc32(id_.encode()) % _HUES


def initials(name: str) -> str:
    """Return one or two letters for a persona's circle."""
    return "".join(word[0] for word in name.split()[:2]).upper()


def help_at(haven: str, who: Account | None, topics: list[words.Topic]) -> str:
    """Return the address of Openhaven's page of who can help, for somebody and what it is about."""
    asked = {"topic": ",".join(topic.code for topic in topics)}
    if who is not None:
        asked |= {"country": who.country, "age_band": who.age_band, "lang": speaking.tongue(who)}
    return f"{haven}/help?{urlencode({name: one for name, one in asked.items() if one})}"


def in_tongue(url: str, tongue: str) -> str:
    """Return the address of a page of Openhaven in a language; English is left to the browser."""
    return url if tongue == "en" else f"{url}{'&' if '?' in url else '?'}lang={tongue}"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(ago=ago, hue=hue, initials=initials)
    made.globals.update(
        standings=words.STANDINGS,
        bands_said=words.AGE_BANDS,
        languages_said=words.LANGUAGES,
        countries_said=words.COUNTRIES,
        may_reveal=words.may_reveal,
        young=words.young,
        verbs_said=words.VERBS,
        value_said=words.VALUES.get,
        topics_of=words.topics,
        outcomes_said=words.REPORT_OUTCOMES,
        tries=cast.TRIES,
        help_at=help_at,
        in_tongue=in_tongue,
    )
    return made


_PAGES = _environment()


def render(template: str, code: int, values: dict[str, Any]) -> Response:
    """Return a page as a response; what is painful in it is said in the language of who reads."""
    tongue = speaking.tongue(values.get("me"))
    values = values | {"tongue": tongue, "_": speaking.speaker(tongue)}
    return HTMLResponse(_PAGES.get_template(template).render(values), code)
