"""Pages: templates of every room, addressed as `"room/name.html"`; escaped, strict, self-hosted."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from jinja2 import (
    BaseLoader,
    Environment,
    FileSystemBytecodeCache,
    PackageLoader,
    StrictUndefined,
    TemplateNotFound,
)
from jinja2.bccache import Bucket

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


class _Compiled(FileSystemBytecodeCache):
    """Templates as compiled at an earlier start; what cannot be read of them is made anew."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read what was kept, when there is something that can be read."""
        try:
            super().load_bytecode(bucket)
        except (OSError, EOFError, UnpicklingError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled; a page does not fail because the disk is full."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


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


def warm(folder: Path, *rooms: str) -> int:
    """Read the templates of these rooms before anybody waits for them; return how many.

    A template is compiled when it is first used, which takes as long as a hundred pages: after a
    restart everybody who waits would have theirs compiled at once. What was compiled is kept in
    `folder`, which must be private, by the text it came from: at the next start it is only read.
    """
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
    # What one version of Jinja compiles, another one may not understand.
    TEMPLATES.bytecode_cache = _Compiled(str(folder), f"jinja-{version('jinja2')}-%s.cache")
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
