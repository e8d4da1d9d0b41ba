"""The values of this room: clauses, rules, reasons and verdicts."""

from typing import Annotated, Any, Literal

import msgspec

from openhaven.core import EventKind, Ground, Outcome
from openhaven.core.words import Measure
from openhaven.signals.model import Finding

Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
Topic = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z-]{0,62}$")]
Unknown = Literal["hold", "ignore", "review"]

FROM_BANK = "from-bank"
FROM_REPORT = "from-report"
STRENGTH: dict[str, int] = {"allow": 0, "review": 1, "restrict": 2, "remove": 3, "block": 4}


class Translation(msgspec.Struct, frozen=True):
    """What a clause says in another language."""

    title: str
    text: str
    reference: str


class Clause(msgspec.Struct, frozen=True):
    """One clause of the policy in plain words: what people read in a notice.

    `ground` says whether it rests on the service's own terms or on a law; `reference` which one.
    `texts` are its translations by language.
    """

    anchor: str
    title: str
    text: str
    ground: Ground
    reference: str
    texts: dict[str, Translation] = {}

    def said_in(self, language: str) -> tuple[Translation, str]:
        """Return what it says in `language` (BCP 47), and in which language that is.

        `de-AT` is answered by `de`. "" is the language of policy.md, for want of a translation.
        """
        while language:
            if language in self.texts:
                return self.texts[language], language
            language = language.rpartition("-")[0]
        return Translation(self.title, self.text, self.reference), ""


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A word that a rule puts on the account or the item for some `days`; rules can read it.

    It is a note for rules and staff, and no finding about what a person did.
    """

    name: Name
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)]
    on: Literal["account", "item"] = "account"


class Fallback(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a rule no longer acts by itself: too many of its decisions were overturned on appeal.

    More than the share `overturned` (0 to 1) of the appeals that were decided within `days`, once
    there were `at_least` so many.
    """

    overturned: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2
    at_least: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 20
    days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 30


class Then(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What follows when a rule matches.

    `harm` is a harm class; or `from-bank`, the gravest one of the banks that matched; or
    `from-report`, the one that the reporter chose. `severity` (1 nuisance to 4 danger to life or
    to a child) and `help` come from the harm when they are left out. `days` says for how
    long; a rule that restricts must say it. `label` is put on the account or the item as well.
    `measure` says how something is restricted, where that is not in the platform's own way.
    `clock_hours` is a time that a law sets: what comes before a person is due within so many hours
    after we were told, and says so.
    """

    outcome: Outcome
    harm: str
    severity: Annotated[int, msgspec.Meta(ge=1, le=4)] | None = None
    queue: Name = "general"
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    help: Annotated[tuple[Topic, ...], msgspec.Meta(max_length=10)] | None = None
    label: Label | None = None
    measure: Measure = ""
    clock_hours: Annotated[int, msgspec.Meta(ge=1, le=2160)] | None = None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A condition with an outcome, and the clause that it serves.

    `on` are the kinds of events it looks at, `when` is CEL. A `shadow` rule is recorded and does
    nothing. `unknown` says what shall happen when the condition cannot be answered: a person looks
    (`review`; `hold`: it is held back until then) or nothing but a count (`ignore`). `sample` is
    the share of events that it looks at. `daily_cap` is how often a day (UTC) it acts by itself;
    beyond that, and once it has fallen back (`fallback`), a person is asked instead.
    """

    id: Name
    clause: Name
    on: Annotated[tuple[EventKind, ...], msgspec.Meta(min_length=1)]
    when: str
    then: Then
    mode: Literal["live", "shadow"] = "live"
    unknown: Unknown = "review"
    sample: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    daily_cap: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] | None = None
    fallback: Fallback | None = None


class Reason(msgspec.Struct, frozen=True):
    """A rule that spoke, its clause, and the findings it rests on.

    `matched` is false when the rule could not be answered and its `unknown` asked for a person.
    """

    rule: str
    clause: str
    findings: tuple[Finding, ...]
    outcome: Outcome = "review"
    matched: bool = True


class Labelled(msgspec.Struct, frozen=True):
    """A label that a rule gives because of an event."""

    rule: str
    label: Label


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules said of one event.

    `reasons` has the strongest first, and `severity`, `harm`, `queue` and `days` are of that one
    (severity 0 and empty words when no rule spoke). `shadow` are reasons that do not act. `unknown`
    names every live rule that could not be answered, whatever followed, so that it can be counted.
    `hold` says that it is held back until a person has looked. `labels` are what its rules note.
    `clock_hours` is the shortest legal clock of the rules that match.
    `capped` and `fallen` name the rules for which a person is asked although they would act.
    `returning` is what a platform is told of a newcomer who may have been here before; no rule sees
    it, and it is never a ground to refuse.
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
    measure: Measure = ""
    clock_hours: int | None = None
    shadow: tuple[Reason, ...] = ()
    unknown: tuple[str, ...] = ()
    hold: bool = False
    labels: tuple[Labelled, ...] = ()
    capped: tuple[str, ...] = ()
    fallen: tuple[str, ...] = ()
    decision: str | None = None
    task: str | None = None
    returning: dict[str, Any] | None = None

    def public(self) -> dict[str, Any]:
        """Return the verdict as the API shows it: no shadow rules, no queue, no internal counts."""
        shown = {
            "event": self.event,
            "outcome": self.outcome,
            "reasons": [_public(reason) for reason in self.reasons],
            "help": list(self.help),
            "hold": self.hold,
            "decision": self.decision,
            "task": self.task,
            "pack": self.pack,
        }
        return shown | {"returning": self.returning} if self.returning is not None else shown


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
    if finding.opinion == "pattern" and "why" in finding.detail:
        shown["why"] = finding.detail["why"]
    return shown if finding.unknown is None else {**shown, "unknown": finding.unknown}
