"""The decision, its acts, and the rules of which act follows from which outcome."""

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from openhaven.core import Ground, Problem
from openhaven.core.words import REVERSING, mark
from openhaven.review.terms import Measure

# At least six months (Article 20(1) DSA), whichever months they are.
APPEAL_WINDOW = timedelta(days=184)
APPEAL_CLOCK = timedelta(days=7)
# How long something is held back at most until a person has looked, and by when one should have.
HELD_FOR = timedelta(days=1)
HELD_DUE = timedelta(hours=1)
HELD_BY = "held:"
INTERIM_BY = "held:staff:"
NOTICE_HEAD_START = timedelta(minutes=10)

DecisionOutcome = Literal["allow", "warn", "restrict", "remove", "block", "suspend"]
Source = Literal["own_initiative", "report", "trusted_flagger", "order"]
RESTRICTIONS = frozenset({"restrict", "remove", "block", "suspend"})

REDRESS = mark(
    "You can appeal for six months, free of charge, through the link in this message. A person who "
    "had no part in this decision will look at it. You can also turn to a certified out-of-court "
    "dispute settlement body (in the EU) or to a court."
)

# How long to wait after each failed delivery: about 34 hours in all, then a person must look.
_BACKOFF = (5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 28800, 36000)


def backoff(attempts: int) -> timedelta | None:
    """Return how long to wait after the given number of attempts, or None to give up."""
    return timedelta(seconds=_BACKOFF[attempts - 1]) if attempts <= len(_BACKOFF) else None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision needs to say; the database refuses it when something is missing."""

    case_id: str
    platform: str
    outcome: DecisionOutcome
    harm: str
    clause: str
    clause_title: str
    clause_text: str
    pack: str
    facts: str
    ground: Ground
    ground_reference: str
    source: Source
    automated_detection: bool
    automated_decision: Literal["fully", "partially", "not"]
    content_type: list[str]
    content_at: datetime
    decided_by: str
    account: str | None = None
    subject: str | None = None
    item: str | None = None
    event: int | None = None
    judgement: str | None = None
    language: str | None = None
    scope: list[str] = msgspec.field(default_factory=lambda: ["*"])
    until: datetime | None = None
    redress: str = REDRESS
    measure: Measure = ""
    starts_at: datetime | None = None
    six: str | None = None
    copy_of: str | None = None


class Decision(Draft, frozen=True, kw_only=True):
    """A stored decision."""

    id: str
    permanent: bool
    decided_at: datetime
    appeal_until: datetime
    state: str
    overturned_by: str | None
    overturned_at: datetime | None

    @property
    def held(self) -> bool:
        """Whether it only holds something back until a person has looked."""
        return self.decided_by.startswith(HELD_BY)

    @property
    def interim(self) -> bool:
        """Whether a person hid it for a while, before anybody decided."""
        return self.decided_by.startswith(INTERIM_BY)


class Act(msgspec.Struct, frozen=True):
    """One effect of a decision on the outside, as stored."""

    id: str
    decision: str
    platform: str
    verb: str
    target: dict[str, str]
    until: datetime | None
    reverses: str | None
    reversible: bool
    state: str
    attempts: int
    next_at: datetime
    last_error: str | None
    intended_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None
    measure: str = ""
    scope: list[str] = msgspec.field(default_factory=lambda: ["*"])

    def message(self) -> dict[str, Any]:
        """Return the act as a platform receives it."""
        return {"id": self.id, "verb": self.verb, "subject": self.target, "decision": self.decision,
                "until": self.until, "reverses": self.reverses, "measure": self.measure,
                "scope": self.scope}  # fmt: skip


def verb_for(outcome: str) -> str | None:
    """Return the act that carries out an outcome; no act follows from `allow`."""
    return None if outcome == "allow" else outcome


def lacking(made: Decision, can: set[str]) -> bool:
    """Say whether a platform that can do `can` cannot carry this out as it was decided."""
    wanted = {made.measure} - {""} | (set() if "*" in made.scope else {"country"})
    return not wanted <= can


def reversing(verb: str) -> str | None:
    """Return the verb that undoes `verb`, or None for what cannot be unsaid."""
    return REVERSING.get(verb)


def target_of(outcome: str, item: str | None, account: str | None) -> dict[str, str]:
    """Return what an act is aimed at: the account for `suspend` and `warn`, else the item."""
    if outcome in ("suspend", "warn", "notify"):
        if account is None:
            raise Problem("decision.account", "It is not known whose item this is.",
                          next_step="Choose an outcome that is about the item.")  # fmt: skip
        return {"account": account}
    if item is not None:
        return {"item": item}
    if account is None:
        raise Problem("decision.subject", "The decision is about nothing.")
    return {"account": account}
