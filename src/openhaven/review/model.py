"""Review work: what a judgement says, how long a lease lasts, and when a task is due."""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import asdict

from openhaven.review.terms.model import NO_TERMS, Terms

LEASE = timedelta(minutes=30)

# How long a task may wait, by severity from 1 (nuisance) to 4 (danger to life or to a child).
DUE = {1: timedelta(days=7), 2: timedelta(days=2), 3: timedelta(hours=12), 4: timedelta(hours=1)}
APPEAL_DUE = timedelta(days=7)

REVIEW_OUTCOMES = ("allow", "warn", "restrict", "remove", "suspend")
APPEAL_OUTCOMES = ("upheld", "rejected")


class Narrowed(msgspec.Struct, frozen=True):
    """What a queue is narrowed to; empty (or 0) means all of it.

    `clock` is `yes` for what has a legal clock.
    """

    queue: str = ""
    harm: str = ""
    language: str = ""
    severity: int = 0
    clock: str = ""

    def given(self) -> dict[str, str]:
        """Return every field as it stands in an address or a form; empty where nothing is asked."""
        return {name: str(value) if value else "" for name, value in asdict(self).items()}


ALL = Narrowed()


class Given(msgspec.Struct, frozen=True):
    """A judgement that waits to be settled, with what it is about."""

    id: str
    task: str
    staff: str
    outcome: str
    clause: str
    pack: str
    days: int | None
    facts: str
    at: datetime
    kind: str
    case_id: str
    appeal: str | None
    event: int | None
    platform: str
    item: str | None
    account: str | None
    harm: str
    reports: int
    terms: Terms = NO_TERMS
