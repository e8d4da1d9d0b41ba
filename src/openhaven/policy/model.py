"""The values of this room: clauses, rules, reasons and verdicts."""

from typing import Annotated, Any, Literal

import msgspec

from openhaven.core import EventKind, Ground, Outcome
from openhaven.signals.model import Finding

Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
Topic = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z-]{0,62}$")]
Unknown = Literal["hold", "ignore", "review"]

FROM_BANK = "from-bank"
FROM_REPORT = "from-report"
STRENGTH: dict[str, int] = {"allow": 0, "review": 1, "restrict": 2, "remove": 3, "block": 4}


class Clause(msgspec.Struct, frozen=True):
    """One clause of the policy in plain words: what people read in a notice.

    `ground` says whether it rests on the service's own terms or on a law; `reference` which one.
    """

    anchor: str
    title: str
    text: str
    ground: Ground
    reference: str


class Then(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What follows when a rule matches.

    `harm` is a harm class; or `from-bank`, the gravest one of the banks that matched; or
    `from-report`, the one that the reporter chose. `severity` (1 nuisance to 4 danger to life or
    to a child) and `help` come from the harm when they are left out. `days` says for how
    long; a rule that restricts must say it.
    """

    outcome: Outcome
    harm: str
    severity: Annotated[int, msgspec.Meta(ge=1, le=4)] | None = None
    queue: Name = "general"
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    help: Annotated[tuple[Topic, ...], msgspec.Meta(max_length=10)] | None = None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A condition with an outcome, and the clause that it serves.

    `on` are the kinds of events it looks at, `when` is CEL. A `shadow` rule is recorded and does
    nothing. `unknown` says what shall happen when the condition cannot be answered: a person looks
    (`review`; `hold` until then) or nothing but a count (`ignore`).
    """

    id: Name
    clause: Name
    on: Annotated[tuple[EventKind, ...], msgspec.Meta(min_length=1)]
    when: str
    then: Then
    mode: Literal["live", "shadow"] = "live"
    unknown: Unknown = "review"


class Reason(msgspec.Struct, frozen=True):
    """A rule that spoke, its clause, and the findings it rests on.

    `matched` is false when the rule could not be answered and its `unknown` asked for a person.
    """

    rule: str
    clause: str
    findings: tuple[Finding, ...]
    outcome: Outcome = "review"
    matched: bool = True


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules said of one event.

    `reasons` has the strongest first, and `severity`, `harm`, `queue` and `days` are of that one
    (severity 0 and empty words when no rule spoke). `shadow` are reasons that do not act. `unknown`
    names every live rule that could not be answered, whatever followed, so that it can be counted.
    """

    event: str
    outcome: Outcome
    pack: str
    reasons: tuple[Reason, ...] = ()
    help: tuple[str, ...] = ()
    severity: int = 0
    harm: str = ""
    queue: str = ""
    days: int | None = None
    shadow: tuple[Reason, ...] = ()
    unknown: tuple[str, ...] = ()
    decision: str | None = None
    task: str | None = None

    def public(self) -> dict[str, Any]:
        """Return the verdict as the API shows it: no shadow rules, no queue, no internal counts."""
        return {
            "event": self.event,
            "outcome": self.outcome,
            "reasons": [_public(reason) for reason in self.reasons],
            "help": list(self.help),
            "decision": self.decision,
            "task": self.task,
            "pack": self.pack,
        }


def _public(reason: Reason) -> dict[str, Any]:
    findings = [_shown(finding) for finding in reason.findings]
    return {"rule": reason.rule, "clause": reason.clause, "findings": findings}


def _shown(finding: Finding) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "signal": finding.signal,
        "version": finding.version,
        "subject": finding.subject,
        "value": finding.value,
        "harm": finding.harm,
        "confidence": finding.confidence,
    }
    return shown if finding.unknown is None else {**shown, "unknown": finding.unknown}
