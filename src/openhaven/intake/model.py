"""What platforms tell us: the event and its parts, and what is known of a piece of media.

The structs mirror `POST /v1/events`; unknown fields are refused with their path by msgspec.
"""

from typing import Annotated, Literal

import msgspec

from openhaven.core import AgeBand, EventKind, Visibility
from openhaven.core.shapes import Country, Id, Language, Moment

Short = Annotated[str, msgspec.Meta(max_length=200)]
Url = Annotated[str, msgspec.Meta(max_length=2_000)]
Text = Annotated[str, msgspec.Meta(max_length=100_000)]
Scalar = Annotated[str, msgspec.Meta(max_length=2_000)] | int | float | bool | None


class ToldLabel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the platform says of an account or an item, for rules that declare its name.

    Without `until` it counts for this event; with it, for later ones too (400 days at most). The
    value `null` takes back what was said before.
    """

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,39}$", max_length=40)]
    value: Annotated[str, msgspec.Meta(max_length=200)] | int | float | bool | None = True
    until: Moment | None = None


Labels = Annotated[tuple[ToldLabel, ...], msgspec.Meta(max_length=20)]


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An actor on the platform, as the platform names it."""

    id: Id
    created_at: Moment | None = None
    age_band: AgeBand = "unknown"
    country: Country | None = None
    language: Language | None = None
    labels: Labels = ()


class MediaRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of media that was sent to `POST /v1/media` before."""

    id: Id


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A piece of content."""

    id: Id
    type: Short = "post"
    text: Text | None = None
    links: Annotated[tuple[Url, ...], msgspec.Meta(max_length=100)] = ()
    media: Annotated[tuple[MediaRef, ...], msgspec.Meta(max_length=50)] = ()
    language: Language | None = None
    url: Url | None = None
    labels: Labels = ()


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom or what the event is aimed at."""

    account: Account | None = None
    item: Item | None = None


class Conversation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the event happened, and whether the platform could read it at all."""

    id: Id
    visibility: Visibility = "public"
    encrypted: bool = False


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The device that was used, as an opaque id."""

    id: Id


IdentifierKind = Literal["email", "phone", "payment", "device", "network", "picture"]


class Identifier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an account can be known again by; it is turned into a token at the door and not stored.

    `shared` says that many people use it, such as the network of a school: then it counts nothing.
    """

    kind: IdentifierKind
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=320)]
    shared: bool = False


Identifiers = Annotated[tuple[Identifier, ...], msgspec.Meta(max_length=20)]


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something that happened on the platform.

    `identifiers` are looked up when an account comes (`account.create`, `account.update`), and are
    gone from the event before it is stored.
    """

    id: Id
    kind: EventKind
    at: Moment
    account: Account
    item: Item | None = None
    target: Target | None = None
    conversation: Conversation | None = None
    device: Device | None = None
    context: Annotated[dict[Id, Scalar], msgspec.Meta(max_length=50)] = {}
    identifiers: Identifiers = ()

    @property
    def content(self) -> bool:
        """Whether there is content that a signal could look at (never when it is encrypted)."""
        return self.item is not None and not (self.conversation and self.conversation.encrypted)

    @property
    def private(self) -> bool:
        """Whether it was said among people who expect nobody else to read along."""
        return self.conversation is not None and self.conversation.visibility == "private"

    def may_be_read(self, private_basis: str | None) -> bool:
        """Say whether there is content, and a ground to look at it.

        `private_basis` is the legal basis that the platform has recorded for private conversations.
        """
        return self.content and (not self.private or private_basis is not None)


class ReportSubject(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a report is about: an item, or an account."""

    item: Id | None = None
    account: Id | None = None


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person told us; the reporter may stay unnamed.

    With an `id` of the platform's own, sending a report again is the same report. `trusted` says
    that it is of a trusted flagger (DSA, Article 22), as the platform vouches.
    """

    subject: ReportSubject
    category: Short
    text: Annotated[str, msgspec.Meta(max_length=10_000)] = ""
    reporter: Id | None = None
    contact: Annotated[str, msgspec.Meta(max_length=320)] | None = None
    language: Language | None = None
    id: Id | None = None
    trusted: bool = False


class MediaFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a piece of media: hashes, and why a perceptual hash is missing if it is.

    `sha256` has 32 bytes, `sha1` 20, `md5` 16, `pdq` 32; `quality` is PDQ's own measure, 0 to 100.
    `others` are hashes like `pdq` of other readings of the file, at most 15, `reads` their names.
    `film` has the frames of one, 36 bytes each; `plugin_hashes` what plugins made of it, 8 at most.
    """

    id: str
    sha256: bytes
    md5: bytes
    type: str
    pdq: bytes | None = None
    quality: int | None = None
    unknown: str | None = None
    size: int = 0
    sha1: bytes | None = None
    others: tuple[bytes, ...] = ()
    reads: tuple[str, ...] = ()
    film: bytes = b""
    plugin_hashes: tuple[bytes, ...] = ()
