"""A pack that was checked and compiled: it judges events, purely, and always says why."""

from collections.abc import Iterable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import msgspec

from openhaven.intake.model import Event
from openhaven.policy.asking import Asking
from openhaven.policy.conditions import Condition
from openhaven.policy.facts import gather
from openhaven.policy.model import Clause, Rule, Verdict
from openhaven.policy.plans import Compiled, Plans
from openhaven.policy.spoken import Spoken, always
from openhaven.policy.vocabulary import Vocabulary
from openhaven.signals.model import Finding

_RANK = attrgetter("rank")
_NO_COUNTERS: Mapping[str, Any] = MappingProxyType({})


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `pack.toml` says: whose pack it is, for which languages and countries, with which banks.

    `jurisdictions` are ISO 3166-1 alpha-2 codes, or `*` for everywhere. `include` names the packs
    whose clauses, rules and lists belong to this one, too.
    """

    name: str
    version: str
    owner: str
    languages: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    banks: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


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
        self.origins = origins
        """The file that each rule stands in, by the rule's id."""
        self.compiled = tuple(
            Compiled(rule, condition, always(rule, condition)) for rule, condition in rules
        )
        self.rules = tuple(one.rule for one in self.compiled)
        self._plans = Plans(self.compiled, vocabulary)

    def evaluate(
        self,
        event: Event,
        findings: Iterable[Finding],
        counters: Mapping[str, Any] = _NO_COUNTERS,  # noqa: ARG002
    ) -> Verdict:
        """Judge `event` by what the signals found: no clock, no I/O, same inputs, same verdict.

        The strongest outcome wins (block, remove, restrict, review, allow). A rule that cannot be
        answered never counts as matched or as not matched: its `unknown` decides. `counters` is
        where the history of accounts will come in; no rule can read it yet.
        """
        findings = tuple(findings)
        plan = self._plans.of(event.kind, prompted=bool(findings))
        if not plan.rules:
            return Verdict(event=event.id, outcome="allow", pack=self.fingerprint)
        asking = Asking(gather(event, findings, self.vocabulary), self.vocabulary.env, self._plans)
        return self._verdict(event, asking.ask(plan))

    def needs(self, event: Event) -> frozenset[str]:
        """Return which findings can matter for `event`: those of `terms`, `links` and `banks`.

        What is not among them changes no verdict and no reason, so that a signal that finds nothing
        else need not be asked.
        """
        return self._plans.needs(event.kind, gather(event, (), self.vocabulary).values)

    @property
    def in_library(self) -> Mapping[str, str]:
        """The rules that are no generated code but run in the CEL library, by id, and why."""
        return MappingProxyType(self._plans.outside)

    def _verdict(self, event: Event, spoken: list[Spoken]) -> Verdict:
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
            shadow=tuple([one.reason for one in shadow]),
            unknown=unknown,
        )
