"""What the records of a homeserver say: its rooms, and what was said in one of them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from openhaven.connectors.matrix.catching_up.model import OwedRoom
from openhaven.connectors.matrix.client import ADMIN, Homeserver, RefusedError
from openhaven.connectors.matrix.convert import inner

PAGES = 50
PAGE = 100
HELD = 32_000_000
_LONGEST_PAGE = 64_000_000


class Missed(NamedTuple):
    """Events that had not come, by id, oldest first; and where to go on when there are more."""

    events: dict[str, bytes]
    page: str | None


def rooms(asks: Homeserver) -> Iterator[str]:
    """Yield the ids of all rooms of a homeserver.

    Sorted by who made them, which never changes: a room cannot slip from one page to another.
    """
    start = 0
    while True:
        query: dict[str, str | int] = {"order_by": "creator", "from": start, "limit": 500}
        page = _asked(asks, f"{ADMIN}/rooms", query)
        for room in _list(page, "rooms"):
            yield str(room["room_id"])
        if "next_batch" not in page:
            return
        start = int(page["next_batch"])


def missed(asks: Homeserver, owed: OwedRoom, came: Callable[[Sequence[str]], set[str]]) -> Missed:
    """Read a room back to `owed.since`; return what had not come.

    An event counts when it was made since then; or when it stands after one that has come, in the
    order of the room: the clock of another server may say anything. At most 5,000 events are read
    at once, and no more than some 32 MB are held.
    """
    found, held, page = list[_Line](), 0, owed.page
    for _ in range(PAGES):
        lines, page = _page(asks, owed, page, came)
        found += lines
        held += sum(len(line.body) for line in lines)
        if page is None or not any(line.recent for line in lines) or held > HELD:
            break
    more = page if page is not None and any(line.recent for line in lines) else None
    newest = next((at for at, line in enumerate(found) if line.came), 0)
    gone = [line for at, line in enumerate(found)
            if not line.came and (line.recent or at < newest)]  # fmt: skip
    return Missed({line.id: line.body for line in reversed(gone)}, more)


class _Line(NamedTuple):
    id: str
    recent: bool
    came: bool
    body: bytes


def _page(
    asks: Homeserver,
    owed: OwedRoom,
    page: str | None,
    came: Callable[[Sequence[str]], set[str]],
) -> tuple[list[_Line], str | None]:
    """Return one page of a room, newest first, and the name of the next."""
    query: dict[str, str | int] = {"dir": "b", "limit": PAGE}
    answer = _asked(
        asks,
        f"{ADMIN}/rooms/{quote(owed.room, safe='')}/messages",
        query | ({"from": page} if page else {}),
    )
    events = [event for event in _list(answer, "chunk") if isinstance(event.get("event_id"), str)]
    there = came([event["event_id"] for event in events])
    lines = [_line(asks, owed.since, event, there) for event in events]
    end = answer.get("end")
    return lines, end if isinstance(end, str) and end != page else None


def _line(asks: Homeserver, since: datetime, event: dict[str, Any], there: set[str]) -> _Line:
    name, made = event["event_id"], event.get("origin_server_ts")
    recent = isinstance(made, int) and made >= since.timestamp() * 1000
    if name in there:
        return _Line(name, recent, True, b"")
    if "redacted_because" in inner(event, "unsigned"):
        event = event | _as_it_was(asks, name)
    return _Line(name, recent, False, json.dumps(event, separators=(",", ":")).encode())


def _as_it_was(asks: Homeserver, event: str) -> dict[str, Any]:
    """Return what was said before it was taken back, as long as the homeserver keeps that."""
    try:
        return {"content": inner(asks.event(event), "content")}
    except RefusedError as refusal:
        if refusal.status == 404:
            return {}
        raise


def _asked(asks: Homeserver, path: str, query: Mapping[str, str | int]) -> dict[str, Any]:
    """Return an answer of the admin API; raises `RefusedError` when it cannot be read.

    Read leniently: text that our own decoder refuses must not hide what stands beside it.
    """
    reply = asks.send("GET", path, None, None, query, _LONGEST_PAGE)
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(reply.status, "", "This answer cannot be read.") from error
    if not isinstance(found, dict):
        raise RefusedError(reply.status, "", "This answer is no JSON object.")
    return found


def _list(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = answer.get(name)
    if not isinstance(found, list):
        raise RefusedError(200, "", f"The answer has no list of “{name}”.")
    return [one for one in found if isinstance(one, dict)]
