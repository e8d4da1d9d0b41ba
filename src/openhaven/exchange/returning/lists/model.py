"""An agreement, a list as it travels, and what was found in one. Values."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from openhaven.intake.model import IdentifierKind

KIND = "returning-list"
LARGEST = 20_000_000
Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Id = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,80}$")]


class Agreement(msgspec.Struct, frozen=True):
    """With whom lists are exchanged, for which classes, until when; `ended_at` once it is over."""

    id: str
    name: str
    classes: list[str]
    made_at: datetime
    until: datetime
    ended_at: datetime | None
    entries: int


class ListedToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One token of an entry, with the kind of identifier that it was made of."""

    kind: IdentifierKind
    token: Hex


class ListedEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One account: the sender's id of the entry, the class, when it ends, and its tokens."""

    id: Id
    harm: Annotated[str, msgspec.Meta(max_length=60)]
    expires_at: datetime
    tokens: Annotated[tuple[ListedToken, ...], msgspec.Meta(max_length=1_000)]


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A list as it travels; `agreement` is a mark of the secret, `signature` Ed25519 (base64)."""

    format: Literal["openhaven-returning-1"]
    agreement: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    made_at: datetime
    entries: Annotated[tuple[Any, ...], msgspec.Meta(max_length=50_000)]
    signature: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a list: how many entries can be taken, and why others cannot.

    `refused` says why the whole list is not taken; empty when it can be.
    """

    entries: int = 0
    good: int = 0
    bad: dict[str, int] = {}
    refused: str = ""


class Row(msgspec.Struct, frozen=True):
    """A list in the register."""

    id: str
    agreement: str
    name: str
    way: Literal["in", "out"]
    report: Report
    asked_name: str
    asked_at: datetime
    state: str
