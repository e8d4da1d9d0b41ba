"""Pages in the reader's language: the sentences of templates, and links that keep the language.

In a template `{{ _("We removed {it}.", it=title) }}` says a sentence, and `{{ _n("{count} day",
"{count} days", n) }}` one with a number. Nothing is remembered in the browser: a page that was
asked for with `?lang=` hands that on in every link and form of its own.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from openhaven.core import Problem
from openhaven.core.words import (
    day_in,
    direction,
    hours_in,
    languages,
    mark,
    moment_in,
    number_in,
    own_name,
    translate,
    translate_count,
    translate_known,
    translate_problem,
)

_LANGUAGE: ContextVar[str] = ContextVar("language", default="en")
_PLACE = re.compile(r"\{([a-z_]+)\}")
# What a page links to within this service and shows in the reader's language.
_LINK = re.compile(
    rb'(<a\b[^>]*? href|<form\b[^>]*? action)="(/(?!static/|console|/)[^"#]*)(#[^"]*)?"'
)
_FETCHING = re.compile(rb'<form\b[^>]*?\bmethod="get"[^>]*>', re.IGNORECASE)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Let every template that is filled meanwhile speak `language`."""
    token = _LANGUAGE.set(language)
    try:
        yield
    finally:
        _LANGUAGE.reset(token)


def say(text: str, /, **values: Any) -> Markup:
    """Return a sentence in the page's language, safe in HTML; values are escaped, markup is not."""
    return _filled(translate(_LANGUAGE.get(), str(text)), values)


def say_known(text: str) -> Markup:
    """Return a sentence of ours that comes from elsewhere (a problem) in the page's language."""
    return escape(translate_known(_LANGUAGE.get(), text))


def say_problem(problem: Problem) -> tuple[str, str, str]:
    """Return title, detail and next step of a problem in the page's language."""
    return translate_problem(_LANGUAGE.get(), problem)


def say_count(one: str, many: str, count: int, /, **values: Any) -> Markup:
    """Return the sentence for `count` things; `{count}` is filled with it."""
    return _filled(translate_count(_LANGUAGE.get(), one, many, count), values)


def _filled(text: str, values: dict[str, Any]) -> Markup:
    return Markup(_PLACE.sub(lambda one: _value(one, values), str(escape(text))))  # noqa: S704


def _value(place: re.Match[str], values: dict[str, Any]) -> str:
    return str(escape(values[place[1]])) if place[1] in values else place[0]


def number(value: int) -> str:
    """Show a whole number with the separators of the page's language."""
    return number_in(_LANGUAGE.get(), value)


def hours(span: float) -> str:
    """Show a span that is given in hours, in one fitting unit."""
    return hours_in(_LANGUAGE.get(), span)


def day(at: date) -> str:
    """Show a day: `5 March 2026`, in the page's language."""
    return day_in(_LANGUAGE.get(), at)


def moment(at: datetime | None) -> str:
    """Show a moment to the minute, in UTC; nothing for None."""
    if at is None:
        return ""
    return Markup('<time datetime="{}">{}</time>').format(
        at.isoformat(timespec="seconds"), moment_in(_LANGUAGE.get(), at)
    )


def keep_language(page: bytes, language: str) -> bytes:
    """Return a page whose links and forms hand on `?lang=`; what a person wrote is never touched.

    In a page, text of people is escaped, so that a `"` of theirs never ends an attribute.
    """
    code = language.encode()
    linked = _LINK.sub(lambda one: _with_language(one, code), page)
    field = b'<input type="hidden" name="lang" value="' + code + b'">'
    return _FETCHING.sub(lambda one: one[0] + field, linked)


def _with_language(link: re.Match[bytes], code: bytes) -> bytes:
    if b"lang=" in link[2]:
        return link[0]
    joint = b"&amp;" if b"?" in link[2] else b"?"
    return link[1] + b'="' + link[2] + joint + b"lang=" + code + (link[3] or b"") + b'"'


def location_with_language(url: str, language: str) -> str:
    """Return the address of a redirect within this service with `?lang=`."""
    parts = urlsplit(url)
    if parts.netloc or not parts.path.startswith("/") or parts.path.startswith("/console"):
        return url
    query = f"{parts.query}&lang={language}" if parts.query else f"lang={language}"
    return parts._replace(query=query).geturl()


GLOBALS = {
    "_": say,
    "_n": say_count,
    "_k": say_known,
    "told": say_problem,
    "mark": mark,
    "languages": languages,
    "direction": direction,
    "own_name": own_name,
}
