"""A pack that was checked and compiled: it judges events, purely, and always says why."""

from collections.abc import Iterable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from openhaven.history import Counter
from openhaven.intake.model import Event
from openhaven.policy.asking import Asking
from openhaven.policy.conditions import Condition
from openhaven.policy.facts import gather
from openhaven.policy.model import STRENGTH, Clause, Fallback, Labelled, Rule, Verdict
from openhaven.policy.places import PackError
from openhaven.policy.plans import Compiled, Plans
from openhaven.policy.spoken import Spoken, always, drawn, lessened
from openhaven.policy.vocabulary import BEHAVIOUR, LABELS, Vocabulary
from openhaven.signals import behaviour
from openhaven.signals.model import Finding

_RANK = attrgetter("rank")
_NO_COUNTERS: Mapping[str, Any] = MappingProxyType({})
_NO_REINS: Mapping[str, str] = MappingProxyType({})


ToldType = Literal["bool", "int", "double", "string"]


class PlatformLabels(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Labels that platforms may send of accounts and items, each with the type of its value."""

    account: dict[str, ToldType] = {}
    item: dict[str, ToldType] = {}

    @property
    def names(self) -> dict[str, str]:
        """Their types by the names that conditions use; an account may also be the one aimed at."""
        return {
            **{f"account.label.{name}": kind for name, kind in self.account.items()},
            **{f"target.label.{name}": kind for name, kind in self.account.items()},
            **{f"item.label.{name}": kind for name, kind in self.item.items()},
        }


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `pack.toml` says: whose pack it is, for which languages and countries, with which banks.

    `jurisdictions` are ISO 3166-1 alpha-2 codes, or `*` for everywhere. `include` names the packs
    whose clauses, rules and lists belong to this one, too. `queues` are queues of its own beside
    the usual ones, `labels` are labels that rules read and others give. `fallback` holds for every
    rule that does not say it itself. `contact` is the e-mail address of who is told when a rule
    falls back. `platform_labels` are those that platforms may send.
    """

    name: str
    version: str
    owner: str
    languages: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    banks: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    fallback: Fallback = Fallback()
    contact: str = ""
    platform_labels: PlatformLabels = PlatformLabels()


class Pack:
    """A policy in force: clauses, rules and lists, under one fingerprint. It never changes."""

    def __init__(
        self,
        manifest: Manifest,
        fingerprint: str,
        files: dict[str, str],
        clauses: dict[str, Clause],
        rules: Iterable[tuple[Rule, Condition]],
        lists: tuple[dict[str, list[str]], dict[str, list[str]]],
        vocabulary: Vocabulary,
        origins: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.manifest = manifest
        self.name = manifest.name
        self.version = manifest.version
        self.fingerprint = fingerprint
        self.files = files
        self.clauses = clauses
        self.term_lists, self.link_lists = lists
        self.vocabulary = vocabulary
        self.warnings: tuple[PackError, ...] = ()
        """What is no mistake and may yet not be meant; `openhaven pack check` shows it."""
        self.origins = origins
        """The file that each rule stands in, by the rule's id."""
        self.contacts: Mapping[str, str] = MappingProxyType({})
        """Whom the packs that this one includes name as their contact, by their folder."""
        self.compiled = tuple(
            Compiled(rule, condition, always(rule, condition)) for rule, condition in rules
        )
        self.rules = tuple(one.rule for one in self.compiled)
        self.counters: tuple[Counter, ...] = ()
        """What it counts, each with the kinds of events whose rules read it."""
        self._plans = Plans(self.compiled, vocabulary)
        self._samples = any(rule.sample < 1 for rule in self.rules)
        names = frozenset(name for one in self.compiled for name in one.condition.names)
        self.reads_labels = not names.isdisjoint(LABELS)
        """Whether a rule asks which labels an account or an item has."""
        self.reads_told = {
            name: kind for name, kind in vocabulary.told.items() if {name, f"{name}.known"} & names
        }
        """What rules ask of the labels that platforms send, by name, with its type."""
        self.reads_behaviour = any(name.startswith(BEHAVIOUR) for name in names)
        """Whether a rule asks for signs of behaviour."""

    def evaluate(
        self,
        event: Event,
        findings: Iterable[Finding],
        counters: Mapping[str, Any] = _NO_COUNTERS,
        reined: Mapping[str, str] = _NO_REINS,
    ) -> Verdict:
        """Judge `event` by what the signals found: no clock, no I/O, same inputs, same verdict.

        The strongest outcome wins (block, remove, restrict, review, allow). A rule that cannot be
        answered never counts as matched or as not matched: its `unknown` decides. `counters` is the
        history of what the event is about, by name, and the labels on it (`account.labels`,
        `item.labels`). `reined` names rules that may only ask a person now, and why (`capped`,
        `fallen`).
        """
        findings = tuple(findings)
        if self.reads_behaviour:
            findings += tuple(behaviour.look(event, counters))
        plan = self._plans.of(event.kind, prompted=bool(findings))
        if not plan.rules:
            return Verdict(event=event.id, outcome="allow", pack=self.fingerprint)
        facts = gather(event, findings, self.vocabulary, counters)
        spoken = Asking(facts, self.vocabulary.env, self._plans).ask(plan)
        if self._samples:
            spoken = [one for one in spoken if drawn(one.rule, event.id)]
        return self._verdict(event, spoken, reined)

    def needs(self, event: Event) -> frozenset[str]:
        """Return which findings can matter for `event`: those of `terms`, `links` and `banks`.

        What is not among them changes no verdict and no reason, so that a signal that finds nothing
        else need not be asked.
        """
        return self._plans.needs(event.kind, lambda: gather(event, (), self.vocabulary).values)

    def fallback_of(self, rule: Rule) -> Fallback:
        """Return when this rule no longer acts by itself: what it says, else the whole pack."""
        return rule.fallback or self.manifest.fallback

    def contact_of(self, rule: str) -> str:
        """Return the address of who owns a rule: its own pack's contact, else that of the whole."""
        folder = self.origins.get(rule, "").rpartition("/")[0]
        return self.contacts.get(folder, "") or self.manifest.contact

    @property
    def in_library(self) -> Mapping[str, str]:
        """The rules that are no generated code but run in the CEL library, by id, and why."""
        return MappingProxyType(self._plans.outside)

    def _verdict(self, event: Event, spoken: list[Spoken], reined: Mapping[str, str]) -> Verdict:
        if reined:
            spoken = [lessened(one) if one.rule.id in reined else one for one in spoken]
        spoken.sort(key=_RANK)
        live = [one for one in spoken if one.rule.mode == "live"]
        acting = [one for one in live if one.acts]
        shadow = [one for one in spoken if one.rule.mode == "shadow"]
        unknown = tuple(sorted([one.rule.id for one in live if not one.reason.matched]))
        if not acting:
            return Verdict(
                event=event.id,
                outcome="allow",
                pack=self.fingerprint,
                shadow=tuple([one.reason for one in shadow]),
                unknown=unknown,
            )
        first = acting[0]
        return Verdict(
            event=event.id,
            outcome=first.reason.outcome,
            pack=self.fingerprint,
            reasons=tuple([one.reason for one in acting]),
            help=tuple(dict.fromkeys([topic for one in acting for topic in one.help])),
            severity=first.severity,
            harm=first.harm.code,
            queue=first.rule.then.queue,
            days=first.rule.then.days if first.reason.matched else None,
            measure=first.rule.then.measure if first.reason.outcome == "restrict" else "",
            clock_hours=_clock(acting),
            shadow=tuple([one.reason for one in shadow]),
            unknown=unknown,
            hold=_held(event, acting),
            labels=_labels(acting, reined),
            capped=_reined(acting, reined, "capped"),
            fallen=_reined(acting, reined, "fallen"),
        )


def _clock(acting: list[Spoken]) -> int | None:
    """Return the shortest legal clock, in hours, of the rules that match; None without one."""
    clocks = [one.rule.then.clock_hours for one in acting if one.reason.matched]
    return min((hours for hours in clocks if hours), default=None)


def _held(event: Event, acting: list[Spoken]) -> bool:
    """Say whether the event's item is held back: no rule decides, and one asks for a hold."""
    if event.item is None or event.kind == "report.create" or acting[0].reason.outcome != "review":
        return False
    return any(not one.reason.matched and one.rule.unknown == "hold" for one in acting)


def _labels(acting: list[Spoken], reined: Mapping[str, str]) -> tuple[Labelled, ...]:
    """Return the labels of the rules that hold and act as they say."""
    return tuple(
        [
            Labelled(one.rule.id, one.rule.then.label)
            for one in acting
            if one.rule.then.label and one.reason.matched and one.rule.id not in reined
        ]
    )


def _reined(acting: list[Spoken], reined: Mapping[str, str], why: str) -> tuple[str, ...]:
    """Return the rules that would act and may not, for this reason."""
    if not reined:
        return ()
    review = STRENGTH["review"]
    would = [one.rule for one in acting if STRENGTH[one.rule.then.outcome] > review]
    return tuple(sorted(rule.id for rule in would if reined.get(rule.id) == why))
