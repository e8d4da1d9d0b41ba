"""The words of this room: a homeserver, what it may be asked to do, and a row of its inbox."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from openhaven.core import Visibility

SENDER = "openhaven"
"""The local part of the account that the connector speaks with."""

REPORT_OF_EVENT = "report:"
REPORT_OF_USER = "user-report:"
"""How the ids of reports begin in the inbox. Ids of events begin with `$`, so that nobody can pass
off an event of their own making as a report."""

VERBS: Mapping[str, bool] = {
    "notify": False,
    "warn": False,
    "remove": False,
    "restore": True,
    "restrict": True,
    "unrestrict": True,
    "block": False,
    "unblock": True,
    "suspend": True,
    "unsuspend": True,
}
"""What a homeserver can carry out, and whether it can be undone: a redaction cannot."""

PATIENCE = 5
"""So many times an event is tried before it is set aside for a person."""


class Tokens(msgspec.Struct, frozen=True):
    """Two secrets: ours towards the homeserver, and the homeserver's towards us."""

    ours: str
    theirs: str


class Server(msgspec.Struct, frozen=True):
    """A homeserver that we protect: our platform of it, its address, its name, the tokens."""

    platform: str
    name: str
    url: str
    server_name: str
    private_basis: str | None
    connected_at: datetime
    polled_at: datetime | None
    last_error: str | None
    heard_at: datetime | None
    tokens: Tokens

    @property
    def sender(self) -> str:
        """The Matrix id of the account that we speak with."""
        return f"@{SENDER}:{self.server_name}"


class Room(msgspec.Struct, frozen=True):
    """What is known of a room; `person` is set when it is the room of our notices to somebody."""

    id: str
    visibility: Visibility
    encrypted: bool
    person: str | None = None


class Waiting(msgspec.Struct, frozen=True):
    """An event of the homeserver that was stored and not yet handed to the line."""

    seq: int
    id: str
    body: bytes
    received_at: datetime
    attempts: int
