"""What every page may show of help: the words and filters of `support/help.html`. Pure but for the
snapshot of the directory."""

import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from openhaven.core import AgeBand
from openhaven.support.asking import find
from openhaven.support.files import ages
from openhaven.support.model import COST_WORDS, Service, audience
from openhaven.support.places import emergency
from openhaven.support.topics import TOPICS

if TYPE_CHECKING:
    from openhaven.web.call import Call

_UNDIALLED = re.compile(r"[^0-9+]")


def ways(
    call: "Call", topics: tuple[str, ...], country: str = "", band: AgeBand = "unknown"
) -> tuple[Service, ...]:
    """Return who can help, in the language of the page. Without a country, the operator's own."""
    held = call.haven.support
    return find(held.current(), country or held.country, topics, band, call.language)


def dial(number: str) -> str:
    """Return a number as a `tel:` link takes it: digits, and a plus before them."""
    return _UNDIALLED.sub("", number)


def ltr(number: str) -> Markup:
    """Show a number from left to right, in whatever text it stands."""
    return Markup('<bdi dir="ltr">{}</bdi>').format(escape(number))


FILTERS = {"dial": dial, "ltr": ltr, "emergency": emergency}
GLOBALS = {
    "ages": ages,
    "cost_words": COST_WORDS,
    "topics_of_help": TOPICS,
    "ways": ways,
    "whom": audience,
}
