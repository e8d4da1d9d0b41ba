"""A pack that was checked and compiled: it judges events, purely, and always says why."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from cel_expr_python import cel

from openhaven.core import Harm
from openhaven.intake.model import Event
from openhaven.policy.conditions import Condition
from openhaven.policy.facts import Facts, gather, not_answered
from openhaven.policy.model import STRENGTH, Clause, Reason, Rule, Verdict
from openhaven.policy.vocabulary import Vocabulary
from openhaven.signals.model import Finding

_NO_COUNTERS: Mapping[str, Any] = MappingProxyType({})


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `pack.toml` says: whose pack it is, for which languages and countries, with which banks.

    `jurisdictions` are ISO 3166-1 alpha-2 codes, or `*` for everywhere.
    """

    name: str
    version: str
    owner: str
    languages: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    banks: tuple[str, ...] = ()


class Compiled(msgspec.Struct, frozen=True):
    """A rule with its condition ready to answer."""

    rule: Rule
    condition: Condition


class Spoken(msgspec.Struct, frozen=True):
    """A rule that matched or could not be answered, the reason it gives and the harm it sees."""

    rule: Rule
    reason: Reason
    harm: Harm

    @property
    def severity(self) -> int:
        """From 1 (nuisance) to 4: what the rule says, else what its harm says."""
        return self.harm.severity if self.rule.then.severity is None else self.rule.then.severity

    @property
    def help(self) -> tuple[str, ...]:
        """The help topics that the rule names, else those of its harm."""
        return self.harm.help if self.rule.then.help is None else self.rule.then.help

    @property
    def acts(self) -> bool:
        """Whether something follows: not when nothing was known and the rule ignores that."""
        return self.reason.matched or self.rule.unknown != "ignore"

    def rank(self) -> tuple[int, int, str]:
        """Return what puts the strongest first, whatever the order of the rules in the file."""
        return (-STRENGTH[self.reason.outcome], -self.severity, self.rule.id)


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
    ) -> None:
        self.manifest = manifest
        self.name = manifest.name
        self.version = manifest.version
        self.fingerprint = fingerprint
        self.files = files
        self.clauses = clauses
        self.term_lists, self.link_lists = lists
        self.vocabulary = vocabulary
        self.compiled = tuple(Compiled(rule, condition) for rule, condition in rules)
        self.rules = tuple(one.rule for one in self.compiled)
        self._by_kind = _by_kind(self.compiled)
        self._unprompted = _by_kind(one for one in self.compiled if not _quiet(one, vocabulary))

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
        rules = (self._by_kind if findings else self._unprompted).get(event.kind, ())
        if not rules:
            return Verdict(event=event.id, outcome="allow", pack=self.fingerprint)
        facts = gather(event, findings, self.vocabulary)
        asking = _Asking(facts, self.vocabulary.env)
        answers = [asking.ask(rule) for rule in rules]
        return self._verdict(event, [one for one in answers if one is not None])

    def _verdict(self, event: Event, spoken: list[Spoken]) -> Verdict:
        live = [one for one in spoken if one.rule.mode == "live"]
        acting = sorted((one for one in live if one.acts), key=Spoken.rank)
        shadow = sorted((one for one in spoken if one.rule.mode == "shadow"), key=Spoken.rank)
        unknown = tuple(sorted(one.rule.id for one in live if not one.reason.matched))
        if not acting:
            return Verdict(
                event=event.id,
                outcome="allow",
                pack=self.fingerprint,
                shadow=tuple(one.reason for one in shadow),
                unknown=unknown,
            )
        first = acting[0]
        return Verdict(
            event=event.id,
            outcome=first.reason.outcome,
            pack=self.fingerprint,
            reasons=tuple(one.reason for one in acting),
            help=tuple(dict.fromkeys(topic for one in acting for topic in one.help)),
            severity=first.severity,
            harm=first.harm.code,
            queue=first.rule.then.queue,
            days=first.rule.then.days if first.reason.matched else None,
            shadow=tuple(one.reason for one in shadow),
            unknown=unknown,
        )


def _by_kind(rules: Iterable[Compiled]) -> dict[str, list[Compiled]]:
    """Return the rules by the kind of event that they look at."""
    found: dict[str, list[Compiled]] = {}
    for one in rules:
        for kind in dict.fromkeys(one.rule.on):
            found.setdefault(kind, []).append(one)
    return found


def _quiet(one: Compiled, vocabulary: Vocabulary) -> bool:
    """Say whether the rule is false whenever no signal found anything, whatever the event says.

    It is asked with what signals answer then and with nothing of the event. If that is enough for
    a plain false, the event cannot change it: most events need not be asked about at all.
    """
    return one.condition.answer(vocabulary.env.Activation(vocabulary.blank)) is False


class _Asking:
    """Asks the rules about one event; builds each activation once."""

    def __init__(self, facts: Facts, env: cel.Env) -> None:
        self.facts = facts
        self.env = env
        self.known = env.Activation(facts.values)

    def ask(self, one: Compiled) -> Spoken | None:
        """Return what the rule says, or None when it surely does not match."""
        doubtful = one.condition.names & self.facts.doubtful if self.facts.doubtful else None
        answer = self.in_doubt(one.condition) if doubtful else one.condition.answer(self.known)
        if answer is False:
            return None
        rule, names = one.rule, one.condition.names
        if answer:
            findings = self.facts.behind(names)
            reason = Reason(rule.id, rule.clause, findings, rule.then.outcome)
        else:
            findings = self.facts.missing(names) or (not_answered(),)
            reason = Reason(rule.id, rule.clause, findings, "review", False)
        return Spoken(rule, reason, self.facts.harm(rule.then.harm))

    def in_doubt(self, condition: Condition) -> bool | None:
        """Answer although a signal failed: true or false where its answer cannot change that.

        First without the doubtful values: an answer then does not depend on them. Then with the
        part that is known: where that part, and not its absence, makes the condition true, it is.
        """
        facts, doubtful = self.facts, self.facts.doubtful
        without = {name: value for name, value in facts.values.items() if name not in doubtful}
        answer = condition.answer(self.env.Activation(without))
        if answer is not None:
            return answer
        if not condition.answer(self.known):
            return None
        empty = {**facts.values, **{name: facts.empty(name) for name in doubtful}}
        return True if condition.answer(self.env.Activation(empty)) is False else None
