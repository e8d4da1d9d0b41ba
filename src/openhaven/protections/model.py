"""What is asked and answered, and what is known of an account while it is answered. Values."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, get_args

import msgspec

from openhaven.core import AgeBand
from openhaven.core.shapes import Country, Id, Language, Moment

Action = Literal[
    "message.send",
    "call.start",
    "contact.request",
    "group.add",
    "comment.create",
    "livestream.start",
    "livestream.view",
    "location.share",
    "profile.discover",
    "recommend.account",
    "recommend.content",
    "ad.profiled",
    "ad.contextual",
    "media.download",
    "notification.push",
    "feed.personalised",
    "autoplay",
    "purchase.random_item",
    "content.view",
]
Source = Literal["declared", "estimate", "carer", "proof", "reviewer"]
Role = Literal["child", "carer", "operator"]
Scale = Literal["switch", "audience"]
Content = Literal[
    "general", "health_information", "identity_information", "priority", "primary_priority"
]
Verdict = Literal["allow", "deny", "ask"]

ACTIONS: tuple[str, ...] = get_args(Action)
# From the youngest to the oldest; the first three are minors.
BANDS: tuple[AgeBand, ...] = ("under-13", "13-15", "16-17", "18-plus")
MINORS: tuple[AgeBand, ...] = BANDS[:3]
ALL_BANDS: tuple[AgeBand, ...] = (*BANDS, "unknown")
# From closed to open. A value is worked with as its place on its scale.
SCALES: Mapping[str, tuple[str, ...]] = {
    "switch": ("off", "ask", "on"),
    "audience": ("nobody", "connections", "peers", "ask", "everyone"),
}
CARER_SAYS = ("declared", "estimate", "carer")


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a source said of an account's age, on which day, and until when that counts."""

    source: Source
    band: AgeBand
    day: date
    expires: date | None = None


class Choice(msgspec.Struct, frozen=True):
    """What somebody set for one account."""

    feature: str
    role: Role
    value: str
    explained: bool = False


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is known of one account when a question about it is answered.

    `choices` are the places on their scales, by feature: of the holder (with whether it was
    explained), the carers and the operator. `frozen` are accounts that it wants no contact with.
    """

    subject: str = ""
    country: str | None = None
    evidence: tuple[Evidence, ...] = ()
    choices: dict[str, "Choices"] = {}
    carers: int = 0
    frozen: frozenset[str] = frozenset()


class Choices(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was set for one feature, as places on its scale; None where nobody set anything."""

    child: int | None = None
    explained: bool = False
    carer: int | None = None
    operator: int | None = None


STRANGER = Profile()


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An account at one end of an action, as the platform names it in events; the language is what
    it reads.
    """

    id: Id
    created_at: Moment | None = None
    age_band: AgeBand = "unknown"
    country: Country | None = None
    language: Language | None = None


class Relation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the two stand to each other: connected by both, or one blocked (or muted) the other."""

    connected: bool = False
    blocked: bool = False


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One question: may this happen? `at` has the local offset of the account that is shown it."""

    action: Action
    sender: Annotated[Party | None, msgspec.Meta(description="who acts")] = msgspec.field(
        name="from", default=None
    )
    recipient: Party | None = msgspec.field(name="to", default=None)
    relation: Relation = Relation()
    at: Moment | None = None
    language: Language = "en"
    content: Content = "general"


class Part(msgspec.Struct, frozen=True):
    """What one side is told: a code, a sentence (empty: say nothing), and topics of help."""

    code: str
    text: str
    help: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """The answer to a question. Each side is shown its own part only, `clause` goes to logs."""

    answer: Verdict
    sender: Part
    recipient: Part
    clause: str
    data: str

    @property
    def allowed(self) -> bool:
        """Whether it may happen at once."""
        return self.answer == "allow"


class Change(msgspec.Struct, frozen=True):
    """What a change did: the value that held before, and the one that holds now."""

    feature: str
    before: str
    after: str
    weaker: bool
