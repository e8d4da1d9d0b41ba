"""From an event of Matrix to an event of the line. Pure: what is known of the room is handed in.

| Matrix | the line |
| -- | -- |
| `m.room.message`, `m.sticker` | `message.send`; an edit of one is `post.edit` of the same item |
| `m.room.encrypted` | `message.send` in an encrypted conversation, without content |
| `m.room.redaction` | `item.delete` |
| `m.room.member` invite | `contact.request` to the one who is invited |
| `m.room.member` join after an invite | `contact.accept` |

An item's id is the id of the message as it was first sent, so that an edit belongs to it.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from openhaven.connectors.matrix.model import Room
from openhaven.connectors.matrix.words import clean, files_of, has_sealed_file, links_of, text_of
from openhaven.intake import Account, Conversation, Event, Item, Target

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LONGEST_ID = 255
_LONGEST_NOTE = 2_000


class UnreadableError(Exception):
    """This is no event of Matrix; the sentence says what is missing."""


class Found(NamedTuple):
    """An event for the line, and the files (`mxc://`) that belong to its item."""

    event: Event
    files: tuple[str, ...] = ()


def read(body: bytes) -> dict[str, Any]:
    """Return a stored event as a JSON object that can be kept; raises `UnreadableError`."""
    try:
        found = clean(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise UnreadableError("It is not readable JSON.") from error
    if not isinstance(found, dict):
        raise UnreadableError("It is no JSON object.")
    return found


def convert(raw: Mapping[str, Any], room: Room, now: datetime, *, content: bool) -> Found | None:
    """Return what an event means for the line, or None when it means nothing.

    `content` says whether the words and files may be looked at. Raises `UnreadableError`.
    """
    match raw.get("type"):
        case "m.room.message" | "m.sticker":
            return _message(raw, room, now, content=content)
        case "m.room.encrypted":
            return _sealed(raw, room, now)
        case "m.room.redaction":
            return _redaction(raw, room, now)
        case "m.room.member":
            return _member(raw, room, now)
    return None


def text(raw: Mapping[str, Any], name: str) -> str:
    """Return a member of 1 to 255 characters that must be there; raises `UnreadableError`."""
    value = raw.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_ID:
        raise UnreadableError(f"It has no usable “{name}”.")
    return value


def moment(raw: Mapping[str, Any], now: datetime, name: str = "origin_server_ts") -> datetime:
    """Return when it was sent; a clock that is absurd counts as the nearest possible moment."""
    value = raw.get(name)
    if not isinstance(value, int):
        raise UnreadableError(f"It has no usable “{name}”.")
    seconds = min(max(value / 1000, _EARLIEST.timestamp()), now.timestamp())
    return datetime.fromtimestamp(seconds, UTC)


def inner(raw: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return the object that is found along `names`, or an empty one."""
    found: Any = raw
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, dict) else {}


def _message(raw: Mapping[str, Any], room: Room, now: datetime, *, content: bool) -> Found | None:
    said = inner(raw, "content")
    if not said:
        return None  # It was redacted before we saw it.
    item_id, said, edit = text(raw, "event_id"), _new(said), _edited(said)
    readable = content and not room.encrypted
    item = Item(
        id=edit or item_id,
        type="sticker" if raw.get("type") == "m.sticker" else "message",
        text=text_of(said) if readable else None,
        links=links_of(said) if readable else (),
    )
    files = files_of(said) if readable else ()
    context: dict[str, Any] = {"msgtype": str(said.get("msgtype", ""))[:100]}
    if files:
        # A homeserver forgets what was redacted after some days; a restoration may come later.
        context["files"] = _kept(files)
    if readable and has_sealed_file(said):
        context["media_unread"] = "encrypted"
    event = _event(
        raw, room, now, "post.edit" if edit else "message.send", item=item, context=context
    )
    return Found(event, files)


def _kept(files: tuple[str, ...]) -> str:
    """Return as many addresses as fit into a note on the event; almost always all."""
    kept = ""
    for uri in files:
        longer = f"{kept} {uri}".strip()
        kept = longer if len(longer) <= _LONGEST_NOTE else kept
    return kept


def _edited(said: Mapping[str, Any]) -> str | None:
    relation = inner(said, "m.relates_to")
    return text(relation, "event_id") if relation.get("rel_type") == "m.replace" else None


def _new(said: dict[str, Any]) -> dict[str, Any]:
    return inner(said, "m.new_content") or said


def _sealed(raw: Mapping[str, Any], room: Room, now: datetime) -> Found:
    item = Item(id=text(raw, "event_id"), type="message")
    return Found(_event(raw, room, now, "message.send", item=item, encrypted=True))


def _redaction(raw: Mapping[str, Any], room: Room, now: datetime) -> Found:
    # From room version 11 on, `redacts` stands in the content.
    source = raw if isinstance(raw.get("redacts"), str) else inner(raw, "content")
    item = Item(id=text(source, "redacts"), type="message")
    return Found(_event(raw, room, now, "item.delete", item=item))


def _member(raw: Mapping[str, Any], room: Room, now: datetime) -> Found | None:
    sender, person = text(raw, "sender"), text(raw, "state_key")
    membership = inner(raw, "content").get("membership")
    if membership == "invite":
        target = Target(account=Account(id=person))
        direct = bool(inner(raw, "content").get("is_direct"))
        return Found(
            _event(raw, room, now, "contact.request", target=target, context={"direct": direct})
        )
    before = inner(raw, "unsigned", "prev_content").get("membership")
    inviter = inner(raw, "unsigned").get("prev_sender")
    if (
        membership == "join"
        and before == "invite"
        and isinstance(inviter, str)
        and sender == person
    ):
        target = Target(account=Account(id=inviter[:_LONGEST_ID]))
        return Found(_event(raw, room, now, "contact.accept", target=target))
    return None


def _event(
    raw: Mapping[str, Any],
    room: Room,
    now: datetime,
    kind: Any,
    *,
    item: Item | None = None,
    target: Target | None = None,
    encrypted: bool = False,
    context: dict[str, Any] | None = None,
) -> Event:
    return Event(
        id=text(raw, "event_id"),
        kind=kind,
        at=moment(raw, now),
        account=Account(id=text(raw, "sender")),
        item=item,
        target=target,
        conversation=Conversation(
            id=room.id, visibility=room.visibility, encrypted=encrypted or room.encrypted
        ),
        context=context or {},
    )
