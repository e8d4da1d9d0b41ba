"""Shapes of answers, for the description of the API; a test holds real answers against them."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from openhaven.core import Ground, Outcome


class FindingShape(msgspec.Struct):
    """What one signal says about one subject of the event; `unknown` says why it does not know.

    `why` is the sentence of a sign of behaviour: for staff, not for the person concerned.
    """

    signal: str
    version: str
    subject: str
    value: Any = None
    harm: str | None = None
    confidence: float | None = None
    unknown: str | None = None
    why: str | None = None


class ReasonShape(msgspec.Struct):
    """Why: the rule that spoke, the clause that it serves, and the findings it leans on."""

    rule: str
    clause: str
    findings: list[FindingShape]


class VerdictShape(msgspec.Struct):
    """What the rules said about an event; `pack` is the fingerprint of the rules."""

    event: str
    outcome: Outcome
    reasons: list[ReasonShape]
    help: list[str]
    hold: bool
    decision: str | None
    task: str | None
    pack: str
    returning: dict[str, Any] | None = None


class ActShape(msgspec.Struct):
    """One effect of a decision on the platform, and how far it is."""

    id: str
    verb: str
    subject: dict[str, str]
    state: Literal["intended", "accepted", "done", "failed", "cancelled"]
    reversible: bool
    reverses: str | None
    error: str | None


class DecisionShape(msgspec.Struct):
    """What was decided, under which clause, on which facts, for how long, and by what means."""

    id: str
    platform: str
    account: str | None
    item: str | None
    outcome: Literal["allow", "warn", "restrict", "remove", "block", "suspend"]
    harm: str
    clause: str
    clause_title: str
    clause_text: str
    pack: str
    facts: str
    ground: Ground
    ground_reference: str
    scope: list[str]
    permanent: bool
    until: datetime | None
    source: str
    automated_detection: bool
    automated_decision: Literal["fully", "partially", "not"]
    redress: str
    decided_at: datetime
    appeal_until: datetime
    state: Literal["in_force", "overturned", "expired"]
    acts: list[ActShape]


class NoticeShape(msgspec.Struct):
    """The message to the person, with the link to appeal."""

    title: str
    text: str
    language: str
    appeal_url: str
    help: list[Any]


class StatementShape(msgspec.Struct):
    """The statement of reasons; restrictions also carry every field of the DSA database."""

    decision: str
    outcome: str
    state: str
    clause: dict[str, str]
    facts: str
    until: datetime | None
    redress: str
    receipt: str
    notice: NoticeShape | None
