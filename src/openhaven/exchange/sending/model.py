"""What is offered to a service, what it answers, and what a plugin does that takes entries."""

from datetime import datetime
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import msgspec

from openhaven.exchange.model import Told
from openhaven.signals.banks.model import Kind

APPROVAL = "bank-bulk"


class Offer(msgspec.Struct, frozen=True):
    """One entry of ours. `remote` is what the service called it when it took it, or empty."""

    kind: Kind
    value: bytes
    opinion: Literal["positive", "investigate"]
    tags: tuple[str, ...] = ()
    remote: str = ""


class Given(NamedTuple):
    """How an entry arrived, and what the service calls it."""

    told: Told
    remote: str = ""


@runtime_checkable
class Taker(Protocol):
    """A source that takes entries as well, and takes them back."""

    def submit(self, offer: Offer, now: datetime) -> Given:
        """Send an entry; the same one may come again, after a crash."""

    def retract(self, offer: Offer, now: datetime) -> Told:
        """Say that an entry that was sent counts no more."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """An entry on its way: to a service, or back."""

    id: str
    entry: int
    source: str
    state: str
    attempts: int
    living: bool
    offer: Offer


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A sending as staff sees it: of which bank, to whom, asked by whom, and how it stands."""

    id: str
    bank: str
    source: str
    asked_by: str
    asked_at: datetime
    state: str
    waiting: int
    sent: int
    failed: int
    taken_back: int
    last_error: str | None
