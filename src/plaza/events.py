"""Plaza's things in Openhaven's words: the bodies of `POST /v1/events`."""

import re
import secrets
from typing import Any

import msgspec

from plaza.model import Account, Item, now
from plaza.openhaven import Letter

_LINK = re.compile(r"https?://[^\s<>\"']{3,500}")
_CREATED = {"post": "post.create", "comment": "comment.create", "message": "message.send"}


def new_event() -> str:
    """Return a fresh event id."""
    return f"evt-{secrets.token_hex(12)}"


def told(kind: str, who: Account, **parts: Any) -> Letter:
    """Return the letter that tells of something that happened; no answer but “accepted” matters."""
    id_ = new_event()
    body = {"id": id_, "kind": kind, "at": now(), "account": person(who), **parts}
    return Letter(id_, "event", who.id, "/v1/events", msgspec.json.encode(body))


def asked(what: Item, who: Account, other: Account | None, url: str) -> Letter:
    """Return the letter that asks whether an item may be published.

    `other` is whom it is aimed at: the author of the post commented on, or the recipient.
    """
    body: dict[str, Any] = {
        "id": what.event,
        "kind": "post.edit" if what.edited_at else _CREATED[what.type],
        "at": what.edited_at or what.created_at,
        "account": person(who),
        "item": _item(what, url),
        "conversation": _conversation(what),
        "context": {"client": "web"},
    }
    if other:
        body["target"] = {"account": person(other)}
    path = "/v1/events?wait=verdict"
    return Letter(what.event, "question", what.id, path, msgspec.json.encode(body))


def person(who: Account) -> dict[str, str]:
    """Return an account as an event names it: no name, only what rules may need."""
    return {
        "id": who.id,
        "created_at": who.created_at,
        "age_band": who.age_band,
        "country": who.country,
        "language": who.language,
    }


def _item(what: Item, url: str) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "id": what.id,
        "type": what.type,
        "text": what.text,
        "links": _LINK.findall(what.text)[:100],
        "media": [{"id": what.media}] if what.media else [],
        "language": what.language,
        "url": f"{url}/posts/{what.parent or what.id}" if what.type != "message" else None,
    }
    return {name: value for name, value in parts.items() if value}


def _conversation(what: Item) -> dict[str, Any]:
    if what.type != "message":
        return {"id": what.parent or what.id, "visibility": "public"}
    pair = "-".join(sorted((what.account, what.recipient or "")))
    return {"id": f"dm-{pair}", "visibility": "private", "encrypted": False}
