"""What Openhaven answers to a platform, as far as the client reads it. Values."""

from typing import Literal

import msgspec


class Reason(msgspec.Struct, frozen=True):
    """A rule that matched, and the clause of the policy that it serves."""

    rule: str
    clause: str


class Verdict(msgspec.Struct, frozen=True):
    """What the rules said about one event. `block`: do not publish; `hold`: not until an act says.

    `pending`: it is safe there, and the verdict comes when the same event is sent again.
    """

    event: str
    outcome: Literal["allow", "review", "restrict", "remove", "block", "pending"] = "pending"
    reasons: tuple[Reason, ...] = ()
    help: tuple[str, ...] = ()
    decision: str | None = None
    hold: bool = False


class Subject(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item or an account, in your own ids."""

    item: str | None = None
    account: str | None = None


class Receipt(msgspec.Struct, frozen=True):
    """The answer to a report: the code that its state can be asked with, and where to ask."""

    receipt: str
    status_url: str = ""


class AgeAppealed(msgspec.Struct, frozen=True):
    """An appeal against an age: how it stands, and the page where the person reads the answer."""

    id: str
    state: str
    status_url: str = ""


class Service(msgspec.Struct, frozen=True):
    """Somebody who helps: `call` and `text` are numbers, `chat` and `web` addresses; '' is none."""

    name: str
    languages: tuple[str, ...] = ()
    hours: str = ""
    call: str = ""
    text: str = ""
    chat: str = ""
    web: str = ""
    cost: str = ""


class Help(msgspec.Struct, frozen=True):
    """Who helps; the numbers of the country for danger now; and our page with more."""

    services: tuple[Service, ...]
    emergency: tuple[str, ...] = ()
    page: str = ""


class Health(msgspec.Struct, frozen=True):
    """How a client stands: whether Openhaven answered last, why not, and what it remembers.

    `data` is the fingerprint of the data in use, `seconds` how long ago Openhaven answered.
    """

    reachable: bool
    why: str
    seconds: float | None
    accounts: int
    data: str
