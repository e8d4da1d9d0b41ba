"""What a connector is and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

from openhaven.connectors.http import Http
from openhaven.decisions import Act
from openhaven.intake import Platform
from openhaven.signals import MediaHasher
from openhaven.storage import Blobs, Database, Settings


class Carried(msgspec.Struct, frozen=True):
    """How it went: `accepted` (the platform will report), `done`, `retry` later, or `failed`.

    `error` is a sentence for staff; it never holds content or secrets.
    """

    state: Literal["accepted", "done", "retry", "failed"]
    error: str | None = None


@dataclass(frozen=True)
class Wiring:
    """What a connector may use; it gets no more than this."""

    settings: Settings
    db: Database
    blobs: Blobs
    http: Http
    hasher: MediaHasher


class Connector(Protocol):
    """A door to one kind of platform."""

    kind: str
    """The word in `platforms.connector`."""

    verbs: Mapping[str, bool]
    """What it can carry out, and whether that can be undone."""

    def carry_out(self, platform: Platform, act: Act) -> Carried:
        """Carry out `act` on `platform`, once: the act's id is the idempotency key.

        Must answer within a minute. Exceptions count as `retry`.
        """
        ...

    def jobs(self) -> Mapping[str, Callable[[], int]]:
        """Return periodic work (such as polling), by name; each returns how much it found."""
        ...
