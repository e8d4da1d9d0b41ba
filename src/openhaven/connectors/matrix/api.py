"""What a homeserver calls: the application service API (Matrix 1.11).

Errors are in Matrix's own form, since a homeserver reads them. A transaction is stored as it is and
answered; an event in it that we cannot read is stored, too: refusing it would make the homeserver
send the same transaction for ever, and nothing behind it would arrive.
"""

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from openhaven.connectors.matrix import actions, store
from openhaven.connectors.matrix.model import Server
from openhaven.core import Actor
from openhaven.web.call import Answer, Call, as_json

_FAR = 4_000_000_000_000
_EVENT_ID = re.compile(r"\$[!-~]{1,254}")


def transactions(call: Call) -> Answer:
    """Store the events of a transaction, once each, and say so."""
    server = _server(call)
    if isinstance(server, Answer):
        return server
    try:
        given = json.loads(call.body())
    except (ValueError, RecursionError):
        return _error(400, "M_NOT_JSON", "This is not readable JSON.")
    events = given.get("events") if isinstance(given, dict) else None
    if not isinstance(events, list):
        return _error(400, "M_BAD_JSON", "A transaction has a list of events.")
    actor = Actor("platform", server.platform)
    with call.haven.db.begin(actor, call.now) as tx:
        bodies = {_id(event): _body(event) for event in events}
        actions.receive(tx, server.platform, bodies, _heard(server, events))
    return as_json({})


def users(call: Call) -> Answer:
    """Say that we make no accounts."""
    return _nothing(call, "There is no such account.")


def rooms(call: Call) -> Answer:
    """Say that we make no rooms by name."""
    return _nothing(call, "There is no such room.")


def ping(call: Call) -> Answer:
    """Answer a homeserver that asks whether it reaches us."""
    server = _server(call)
    return server if isinstance(server, Answer) else as_json({})


def _nothing(call: Call, words: str) -> Answer:
    server = _server(call)
    return server if isinstance(server, Answer) else _error(404, "M_NOT_FOUND", words)


def _server(call: Call) -> Server | Answer:
    """Return the homeserver whose token was shown, or the answer to a stranger."""
    header = call.headers.get("authorization", "")
    scheme, _, shown = header.partition(" ")
    token = shown.strip() if scheme.lower() == "bearer" else call.query.get("access_token", "")
    if not token:
        return _error(401, "M_UNAUTHORIZED", "A homeserver shows its token.")
    with call.haven.db.read(call.now) as tx:
        found = store.server_with_token(tx, token)
    return found or _error(403, "M_FORBIDDEN", "This is not the token of a homeserver we know.")


def _id(event: Any) -> str:
    given = event.get("event_id") if isinstance(event, dict) else None
    if isinstance(given, str) and _EVENT_ID.fullmatch(given):
        return given
    return "unreadable:" + hashlib.sha256(_body(event)).hexdigest()


def _heard(server: Server, events: list[Any]) -> datetime | None:
    """Return when the newest of the events was made, of those that the homeserver itself dates."""
    ours = ":" + server.server_name
    made = [
        int(event["origin_server_ts"])
        for event in events
        if isinstance(event, dict)
        and str(event.get("sender")).endswith(ours)
        and isinstance(event.get("origin_server_ts"), int)
        and 0 <= event["origin_server_ts"] < _FAR
    ]
    return datetime.fromtimestamp(max(made) / 1000, UTC) if made else None


def _body(event: Any) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def _error(status: int, code: str, words: str) -> Answer:
    return as_json({"errcode": code, "error": words}, status)
