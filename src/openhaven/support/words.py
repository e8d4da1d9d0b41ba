"""The plain-text lines of help: for notices, e-mails and whatever has no page."""

from collections.abc import Sequence

from openhaven.core.words import mark, translate
from openhaven.support.model import Service
from openhaven.support.places import emergency

_LEAD = mark("If you need to talk to somebody:")
_CALL = mark("call {number}")
_TEXT = mark("write to {number}")
_DANGER = mark("In danger now? Call {number}.")
_MORE = mark("More places to turn to: {url}")
_FEW = 3


def lines(
    services: Sequence[Service], language: str, *, country: str = "", page: str = ""
) -> list[str]:
    """Return where to turn as lines of text: a lead, up to three services, danger, our page.

    `page` is the address of our page of help; without it that line is left out.
    """
    found = [translate(language, _LEAD)]
    found += [f"– {_line(one, language)}" for one in services[:_FEW]]
    if numbers := emergency(country):
        found.append(translate(language, _DANGER, number=" / ".join(numbers)))
    if page:
        found.append(translate(language, _MORE, url=page))
    return found


def _line(one: Service, language: str) -> str:
    ways = [translate(language, _CALL, number=one.call)] if one.call else []
    ways += [translate(language, _TEXT, number=one.text)] if one.text else []
    ways += [one.chat or one.web] if one.chat or one.web else []
    return f"{one.name}: {', '.join(ways)}"
