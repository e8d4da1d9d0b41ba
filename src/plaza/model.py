"""What Plaza knows, as frozen values: one class for each kind of row."""

from datetime import UTC, datetime

import msgspec


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A persona: somebody made up."""

    id: str
    name: str
    age_band: str
    country: str
    language: str
    about: str = ""
    generated: int = 0
    created_at: str


# Measures, the one that says most first, and the word for where an item stands then.
_MEASURED = (("own", "restricted"), ("age_gate", "age_gated"), ("no_interaction", "closed"),
             ("demote", "demoted"), ("label", "labelled"))  # fmt: skip


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A post, comment or message as it stands now: what was said about it, and what is in force."""

    seq: int
    id: str
    type: str
    account: str
    parent: str | None
    recipient: str | None
    text: str
    language: str
    picture: str | None
    picture_type: str | None
    alt: str
    media: str | None
    planted: str
    state: str
    created_at: str
    edited_at: str | None
    event: str
    outcome: str | None
    clause: str | None
    help: str
    decision: str | None
    answered_at: str | None
    refusal: str | None
    author: str
    generated: int
    hidden: str | None
    restricted: int
    measures: str | None
    restored: int
    rule: str | None
    comments: int

    @property
    def standing(self) -> str:
        """One word for where it stands, for the person who wrote it and for the page."""
        if self.state != "live":
            return self.state
        if self.hidden:
            return {"block": "blocked", "hold": "held"}.get(self.hidden, "removed")
        if self.restricted:
            found = (name for code, name in _MEASURED if code in self.limits)
            return next(found, "restricted")
        if self.restored:
            return "restored"
        return "review" if self.outcome == "review" else "live"

    @property
    def limits(self) -> frozenset[str]:
        """How it is restricted: `own` for Plaza's own way, or a measure of Openhaven's."""
        return frozenset((self.measures or "").split(",")) - {""}

    @property
    def acted(self) -> bool:
        """Whether something holds that its author may appeal against."""
        return self.standing in ("blocked", "removed", *(name for _, name in _MEASURED))

    @property
    def grown_only(self) -> bool:
        """Whether only adults see it: behind a notice, or at once."""
        return bool(self.limits & {"own", "age_gate"})

    @property
    def public(self) -> bool:
        """Whether others may see its text, be it behind a notice."""
        return self.state == "live" and not self.hidden

    @property
    def topics(self) -> list[str]:
        """The help topics that the verdict named."""
        return msgspec.json.decode(self.help, type=list[str])


class ActRow(msgspec.Struct, frozen=True, kw_only=True):
    """An act as it was received, and what became of it."""

    id: str
    verb: str
    item: str | None
    account: str | None
    decision: str
    until: str | None
    reverses: str | None
    body: bytes
    state: str
    reason: str | None
    received_at: str
    ended_by: str | None


class NoticeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message in somebody's mailbox."""

    seq: int
    account: str
    decision: str
    clause: str
    title: str
    text: str
    appeal_url: str | None
    help: str
    at: str
    read_at: str | None
    appealed_at: str | None
    item: str | None = None

    @property
    def paragraphs(self) -> list[str]:
        """The text without the appeal's address, which has a button of its own."""
        parts = self.text.split("\n\n")
        return [part for part in parts if not (self.appeal_url and self.appeal_url in part)]

    @property
    def own_topics(self) -> list[str]:
        """The help topics that are about its reader; others stand in the text with helplines.

        Who is told that they bullied somebody is not told that somebody is mean to them.
        """
        found = msgspec.json.decode(self.help, type=list[str])
        return [topic for topic in found if topic in ("suicide", "self-harm", "eating-disorder")]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody reported, and its receipt once Openhaven has it."""

    id: str
    reporter: str
    item: str | None
    account: str | None
    category: str
    text: str
    created_at: str
    receipt: str | None
    status_url: str | None
    state: str
    outcome: str | None
    help: str

    @property
    def topics(self) -> list[str]:
        """The help topics that came with the outcome."""
        return msgspec.json.decode(self.help, type=list[str])


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody tried, what they read, and what the other side reads (empty: nothing).

    `name` is the other's and `by` the name of who tried it; `reply` is what was answered.
    """

    seq: int
    action: str
    account: str
    other: str | None
    answer: str
    said: str
    told: str
    code: str
    help: str
    at: str
    reply: str | None
    name: str | None = None
    by: str | None = None


def now() -> str:
    """Return the present moment as it is stored: UTC, milliseconds, sortable as text."""
    return stamp(datetime.now(UTC))


def stamp(moment: datetime) -> str:
    """Return an aware moment as it is stored."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Waiting(msgspec.Struct, frozen=True):
    """A letter in the outbox."""

    id: str
    kind: str
    about: str
    attempts: int
    last_error: str | None
    refused: int
