"""Pages: templates of every room, addressed as `"room/name.html"`; escaped, strict, self-hosted."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from jinja2 import (
    BaseLoader,
    Environment,
    PackageLoader,
    StrictUndefined,
    TemplateNotFound,
)

from openhaven.review.terms import INCITEMENT, MEASURES, QUESTIONS
from openhaven.support import views as help_views
from openhaven.web.speaking import GLOBALS, day, hours, keep_language, moment, number, speaking

if TYPE_CHECKING:
    from openhaven.web.call import Call

_Source = tuple[str, str | None, Callable[[], bool] | None]


class RoomLoader(BaseLoader):
    """Finds `"room/name.html"` in the folder `templates` of the package `openhaven.room`."""

    def __init__(self) -> None:
        self._rooms: dict[str, PackageLoader] = {}

    def get_source(self, environment: Environment, template: str) -> _Source:
        """Return text, file name and freshness test; raises `TemplateNotFound`."""
        room, _, name = template.partition("/")
        if not room.isidentifier():
            raise TemplateNotFound(template)
        try:
            return self._room(room).get_source(environment, name)
        except (ValueError, ModuleNotFoundError) as error:
            raise TemplateNotFound(template) from error

    def names(self, room: str) -> list[str]:
        """Return the names of a room's templates, without the room's."""
        return self._room(room).list_templates()

    def _room(self, room: str) -> PackageLoader:
        if room not in self._rooms:
            self._rooms[room] = PackageLoader(f"openhaven.{room}")
        return self._rooms[room]


def address(text: str | None) -> str:
    """Return an address that a page may link to; a platform's word may be anything else as well."""
    return text if text and text.startswith(("http://", "https://")) else ""


def distance(at: datetime, now: datetime) -> str:
    """Say how far `at` is from `now` in one unit: `3 min ago`, `in 2 days`, `just now`."""
    gap = abs(at - now)
    if gap < timedelta(seconds=1):
        return "just now"
    words = _gap(gap)
    return f"{words} ago" if at < now else f"in {words}"


def _gap(gap: timedelta) -> str:
    seconds = int(gap.total_seconds())
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "min")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 and unit != 'min' else ''}"
    return f"{seconds} s"


LOADER = RoomLoader()


def _environment() -> Environment:
    made = Environment(
        loader=LOADER, autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals.update(GLOBALS)
    made.globals.update(MEASURES=MEASURES, QUESTIONS=QUESTIONS, INCITEMENT=INCITEMENT)
    made.globals.update(help_views.GLOBALS)
    made.filters.update(help_views.FILTERS)
    made.filters["moment"] = moment
    made.filters["day"] = day
    made.filters["number"] = number
    made.filters["hours"] = hours
    made.filters["address"] = address
    made.filters["distance"] = distance
    return made


TEMPLATES = _environment()


def warm(*rooms: str) -> int:
    """Read the templates of these rooms before anybody waits for them; return how many.

    A template is compiled when it is first used, which takes as long as a hundred pages: after a
    restart everybody who waits would have theirs compiled at once.
    """
    names = [f"{room}/{name}" for room in rooms for name in LOADER.names(room)]
    for name in names:
        TEMPLATES.get_template(name)
    return len(names)


def render(call: "Call", template: str, values: dict[str, Any]) -> bytes:
    """Return the page as UTF-8, in the language of the call.

    A value that a template needs and does not get is an error.
    """
    service, language = call.haven.settings.service_name, call.language
    found = TEMPLATES.get_template(template)
    with speaking(language):
        text = found.render(call=call, csrf=call.csrf, service=service, **values)
    filled = text.encode()
    return keep_language(filled, call.asked_language) if call.asked_language else filled
