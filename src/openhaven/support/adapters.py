"""Directories of others, read over the network by adapters: one is built in, packages bring more.

An adapter is a function `read(Source) -> services as fields`. It asks through `Source.get`, which
has limits and a time-out, and what it answers is checked as a file is: whole, or not at all.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from importlib.metadata import entry_points
from urllib.parse import urlsplit

import msgspec

from openhaven.core import Problem
from openhaven.support.checking import COLUMNS, service_of, unpaired
from openhaven.support.files import LARGEST, MOST_LINES, BadFile
from openhaven.support.model import Service

GROUP = "openhaven.helplines"
# Takes an address and headers, and returns the body of a good answer; raises `Problem` otherwise.
Get = Callable[[str, Mapping[str, str], int], bytes]
_FIELDS = frozenset(COLUMNS)


class Source(msgspec.Struct, frozen=True):
    """Where a directory is asked, with which secret, and how."""

    url: str
    key: str
    get: Get


Adapter = Callable[[Source], Iterable[Mapping[str, str]]]


class _Page(msgspec.Struct, frozen=True):
    """One page: services with the names of the CSV's columns, and where the next page is."""

    services: list[dict[str, str | list[str] | None]]
    next: str = ""


_PAGES = 50
_LOCAL = ("localhost", "127.0.0.1", "::1")


def read_json(source: Source) -> list[dict[str, str]]:
    """Read a directory that answers `{"services": [{…}], "next": ""}`, with the columns' names.

    The key is sent as `Authorization: Bearer`. `next` is the address of the next page, on the same
    host. Raises `Problem` for anything else.
    """
    headers = {"accept": "application/json"}
    if source.key:
        headers["authorization"] = f"Bearer {source.key}"
    found: list[dict[str, str]] = []
    url, seen = source.url, set[str]()
    while url:
        if url in seen or len(seen) >= _PAGES or len(found) > MOST_LINES:
            raise _garbage("It has no end.")
        seen.add(url)
        page = _page(source.get(url, headers, LARGEST))
        found += [_fields(one) for one in page.services]
        if page.next and not _same_place(page.next, source.url):
            raise _garbage("Its next page is on another host.")
        url = page.next
    return found


def _page(raw: bytes) -> _Page:
    try:
        return msgspec.json.decode(raw, type=_Page)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _garbage("The answer is not what a directory should send.") from error


def _fields(one: Mapping[str, str | list[str] | None]) -> dict[str, str]:
    """Return the fields that we know as text; what else a directory tells is left out."""
    told = {name: value for name, value in one.items() if name in _FIELDS}
    return {
        name: " ".join(value) if isinstance(value, list) else value or ""
        for name, value in told.items()
    }


def _same_place(url: str, first: str) -> bool:
    """Say whether a page is below the same scheme and host: the key goes nowhere else."""
    start = first.split("/")[:3]
    return len(start) == 3 and url.split("/")[:3] == start


BUILT_IN: Mapping[str, Adapter] = {"json": read_json}


def kinds() -> tuple[str, ...]:
    """Return the names of all adapters, the built-in ones first."""
    more = sorted(one.name for one in entry_points(group=GROUP) if one.name not in BUILT_IN)
    return (*BUILT_IN, *more)


def fetch(kind: str, source: Source, today: date) -> list[Service]:
    """Return the services of a directory, all checked.

    Raises `Problem` when there is no such adapter, no answer, or one that is not sound: then
    nothing of it is to be stored.
    """
    _check_url(source.url)
    found: dict[str, Service] = {}
    wrong: list[str] = []
    for place, told in enumerate(_adapter(kind)(source), 1):
        service, complaints = service_of(told, today)
        wrong += [f"entry {place}: {one}" for one in complaints]
        if service is not None and service.id in found:
            wrong.append(f"entry {place}: id: “{service.id}” stands there twice")
        elif service is not None:
            found[service.id] = service
    wrong += [f"{one}: pair: nobody else in this country has this pair"
              for one in unpaired(list(found.values()))]  # fmt: skip
    if wrong or not found:
        raise BadFile(wrong or ["the directory names no service"])
    return list(found.values())


def _check_url(url: str) -> None:
    """Refuse an address that is not https, unless it is on this machine: a secret goes there."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "http" and parts.hostname in _LOCAL
        sound = (parts.scheme == "https" or plain) and parts.hostname and not parts.username
    except ValueError:
        sound = False
    if not sound:
        raise Problem("support.url", "The address of a directory begins with https://.",
                      next_step="Plain http is only for this machine; no password in the address.",
                      )  # fmt: skip


def _adapter(kind: str) -> Adapter:
    if kind in BUILT_IN:
        return BUILT_IN[kind]
    for point in entry_points(group=GROUP):
        if point.name == kind:
            adapter: Adapter = point.load()
            return adapter
    raise Problem("support.kind", f"There is no adapter “{kind}” for directories.", status=404,
                  next_step="Use one of: " + ", ".join(kinds()))  # fmt: skip


def _garbage(detail: str) -> Problem:
    return Problem("support.directory", "The directory's answer was not taken.", detail,
                   next_step="Nothing was changed. Ask whoever keeps that directory.")  # fmt: skip
