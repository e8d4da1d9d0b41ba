"""A lawful request: its states and what leads from one to the next, its scope. Pure."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from openhaven.authorities.requests.kinds import (
    CATEGORIES,
    LONGEST,
    MOST_ACCOUNTS,
    Kind,
    kind_of,
)
from openhaven.core import Problem, canonical

State = Literal["received", "authenticated", "checked", "narrowed", "asked", "approved", "produced",
                "preserved", "removed", "refused", "withdrawn"]  # fmt: skip
Verb = Literal["authenticate", "check", "narrow", "ask", "agree", "disagree", "produce", "preserve",
               "remove", "refuse", "withdraw"]  # fmt: skip

STATES: dict[str, str] = {
    "received": "who asks is not known to be who they say",
    "authenticated": "the law is looked at",
    "checked": "what may be given is narrowed",
    "narrowed": "narrowed, and to be gone on with",
    "asked": "a second person looks",
    "approved": "agreed, and not given yet",
    "produced": "given",
    "preserved": "kept, nothing was given",
    "removed": "the order was carried out",
    "refused": "refused",
    "withdrawn": "withdrawn by the authority",
}
TONES = {"approved": "warn", "produced": "good", "preserved": "good", "removed": "good",
         "refused": "bad"}  # fmt: skip
ENDED = frozenset({"produced", "preserved", "removed", "refused", "withdrawn"})
# Why nothing is given. What is public is how often each was said.
GROUNDS: dict[str, str] = {
    "not_authentic": "It does not come from who it says",
    "form": "It is incomplete or has manifest errors",
    "no_basis": "No law that binds this service asks for it",
    "not_competent": "Who issued it may not ask for this",
    "no_treaty": "It comes from another country, and by no treaty",
    "too_wide": "It asks for more than the law lets it, and was not narrowed",
    "rights": "It would break rights, immunities or the freedom of the press",
    "not_held": "What it asks for is not held here",
    "gone": "It was withdrawn, or its time is over",
    "other": "Another ground, which is written down",
}
DELAYS: dict[str, str] = {
    "order": "The order forbids to tell, until its own day",
    "issuer": "The issuing authority tells first (Regulation (EU) 2023/1543, Article 13)",
    "investigation": "To tell would endanger an investigation",
    "life": "To tell would endanger a life",
    "child": "A child's safety is looked into",
}
LONGEST_DELAY = 180

_ANY = {"refuse": "refused", "withdraw": "withdrawn"}
# Every way that there is; what does not stand here cannot be done.
WAYS: dict[str, dict[str, str]] = {
    "received": {"authenticate": "authenticated", **_ANY},
    "authenticated": {"check": "checked", **_ANY},
    "checked": {"narrow": "narrowed", **_ANY},
    "narrowed": {"narrow": "narrowed", "ask": "asked", "preserve": "preserved",
                 "remove": "removed", **_ANY},
    "asked": {"agree": "approved", "disagree": "narrowed", "narrow": "narrowed", **_ANY},
    "approved": {"produce": "produced", "narrow": "narrowed", **_ANY},
}  # fmt: skip
_ONLY: dict[str, str] = {"ask": "produced", "produce": "produced", "preserve": "preserved",
                         "remove": "removed"}  # fmt: skip


def after(state: str, verb: Verb, kind: Kind) -> State:
    """Return the state that a verb leads to; raises `Problem` 409 where there is no such way.

    What a kind does not ask for is no way of it: a preservation letter is never answered with data.
    """
    found = WAYS.get(state, {}).get(verb)
    if found is None or _ONLY.get(verb, kind.outcome) != kind.outcome:
        raise Problem("request.state", "This cannot be done with the request as it is now.",
                      f"It is in the state: {STATES[state]}.", status=409,
                      next_step="Look at the page again: somebody may have gone on.",
                      )  # fmt: skip
    return found  # type: ignore[return-value]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says; sealed. `phone` is the number in the letter, which is never called.

    `since` and `until` are the days that it names (YYYY-MM-DD), empty where it names none.
    """

    authority: str
    reference: str = ""
    basis: str = ""
    what: str = ""
    whom: str = ""
    officer: str = ""
    email: str = ""
    phone: str = ""
    answer_by: str = ""
    since: str = ""
    until: str = ""
    categories: tuple[str, ...] = ()
    # What was found in the head of an e-mail, and why there are flags.
    mail: dict[str, str] = {}
    # What staff wrote down on the way: the legal check, the ground of a refusal.
    legal: dict[str, str] = {}
    words: str = ""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request of the register, without what is sealed."""

    id: str
    kind: str
    country: str
    via: str
    life: bool
    received_at: datetime
    received_by: str
    due_at: datetime
    level: int
    flags: tuple[str, ...]
    state: State
    authenticated_at: datetime | None = None
    authenticated_by: str | None = None
    checked_at: datetime | None = None
    checked_by: str | None = None
    scope: str | None = None
    approved_at: datetime | None = None
    key_kind: str | None = None
    key: bytes | None = None
    key_by: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    refusal: str | None = None
    part: bool | None = None
    accounts: int | None = None
    decision: str | None = None
    forgotten_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing is left to be answered."""
        return self.state in ENDED

    @property
    def of(self) -> Kind:
        """The facts of its kind."""
        return kind_of(self.kind)

    def late(self, now: datetime) -> bool:
        """Say whether it waits beyond its time."""
        return not self.ended and self.due_at <= now

    @property
    def key_words(self) -> str:
        """The fingerprint of the key (SHA-256, in groups), to be read out on the telephone."""
        return fingerprint(self.key) if self.key else ""


def fingerprint(key: bytes) -> str:
    """Return the SHA-256 of a key in groups of four hexadecimal digits."""
    digits = hashlib.sha256(key).hexdigest()
    return " ".join(digits[at : at + 4] for at in range(0, 64, 4))


# The scope --------------------------------------------------------------------------------------


class Subject(msgspec.Struct, frozen=True):
    """An account that a scope names: the platform's id here, and the account's there."""

    platform: str
    account: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What shall be given at most: kinds of data × accounts × a span of time; `items` to remove."""

    categories: tuple[str, ...]
    subjects: tuple[Subject, ...]
    since: datetime
    until: datetime
    items: tuple[Subject, ...] = ()
    why: str = ""
    delay_ground: str = ""
    delay_days: int = 0

    def digest(self) -> bytes:
        """Return SHA-256 over all of it, canonical."""
        fields = msgspec.to_builtins(self) | {
            "since": self.since.isoformat(), "until": self.until.isoformat(),
        }  # fmt: skip
        return hashlib.sha256(canonical(fields)).digest()


def fit(wanted: Wanted, kind: Kind, now: datetime) -> None:
    """Raise `Problem` (400) unless a scope is closed on each side and lawful for its kind."""
    allowed = kind.produces if kind.outcome == "produced" else tuple(CATEGORIES)
    _require(kind.outcome == "removed" or wanted.categories, "Choose what may be given.")
    unlawful = [one for one in wanted.categories if one not in allowed]
    _require(not unlawful, f"“{kind.words}” gives no right to: {', '.join(unlawful)}.")
    about = wanted.items if kind.outcome == "removed" else wanted.subjects
    _require(about, "Name the accounts, or the items, one by one.")
    _require(len(about) <= MOST_ACCOUNTS, f"At most {MOST_ACCOUNTS} at once.")
    _require(wanted.since < wanted.until <= now + timedelta(days=1),
             "The time has a beginning and an end, which is not in the future.")  # fmt: skip
    _require(wanted.until - wanted.since <= LONGEST, "The time is a year at most.")
    _require(wanted.why.strip(), "Say why this much is needed.")
    _require(not wanted.delay_ground or wanted.delay_ground in DELAYS, "Choose a ground.")
    _require(bool(wanted.delay_ground) == bool(wanted.delay_days)
             and 0 <= wanted.delay_days <= LONGEST_DELAY,
             f"To tell later needs a ground, and a number of days up to {LONGEST_DELAY}.",
             )  # fmt: skip


def _require(holds: object, words: str) -> None:
    if not holds:
        raise Problem("request.scope", "This scope cannot stand.", words,
                      next_step="Nothing open-ended is given: narrow it, or refuse the request.",
                      )  # fmt: skip


def narrower(wanted: Wanted, asked: Asked) -> bool:
    """Say whether a scope is less than what was asked for: then it is given in part."""
    if not (asked.categories and asked.since and asked.until):
        return True
    fewer = set(asked.categories) - set(wanted.categories)
    return bool(fewer) or f"{wanted.since:%Y-%m-%d}" > asked.since or (
        f"{wanted.until:%Y-%m-%d}" < asked.until
    )  # fmt: skip


def open_ended(asked: Asked) -> list[str]:
    """Return what makes a request ask for everything, in words; empty when it is closed."""
    found = []
    if not asked.categories or set(asked.categories) >= set(CATEGORIES) - {"evidence"}:
        found.append("It asks for every kind of data, or names none.")
    if not asked.whom.strip():
        found.append("It names nobody.")
    if not (asked.since and asked.until):
        found.append("It names no span of time.")
    return found


# Who asks ---------------------------------------------------------------------------------------

ORIGINS: dict[str, str] = {
    "kept": "our own list, which two people keep",
    "register": "a public register or gazette",
    "website": "the authority's own site, typed by hand",
    "switchboard": "its switchboard or directory enquiries",
}
CHECKS: dict[str, str] = {
    "call_back": "Called back",
    "system": "Came by an official system, such as that of the Union for electronic evidence",
    "signature": "A signature or seal was looked at (recorded; it alone proves nothing here)",
    "mail": "The head of the e-mail was looked at (recorded; it alone proves nothing here)",
}
RESULTS = {"genuine": "it is they", "forged": "it is forged", "unsure": "not clear"}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to find out who asks, and what came of it; number and words are sealed."""

    id: str
    kind: str
    result: str
    origin: str
    contact: str | None
    staff: str
    name: str
    at: datetime
    number: str = ""
    spoke_with: str = ""
    note: str = ""


def genuine(flags: Sequence[str], checks: Sequence[Check]) -> bool:
    """Say whether who asks may be taken for who they say.

    The last clear word counts, and it has to be that of a call back; where nothing speaks against
    the sender, an official system will do.
    """
    clear = [one for one in checks if one.result != "unsure"
             and (one.kind in ("call_back", "system") or one.result == "forged")]  # fmt: skip
    if not clear or clear[-1].result != "genuine":
        return False
    proofs = ("call_back",) if flags else ("call_back", "system")
    return any(one.result == "genuine" and one.kind in proofs for one in clear)


def digits(number: str) -> str:
    """Return what of a telephone number tells it apart: its last nine digits."""
    return "".join(one for one in number if one.isdecimal())[-9:]
