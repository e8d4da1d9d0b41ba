"""A rule that spoke, ready for the verdict."""

import hashlib

import msgspec

from openhaven.core import HARMS, Harm
from openhaven.policy.conditions import Condition
from openhaven.policy.facts import not_answered
from openhaven.policy.model import STRENGTH, Reason, Rule
from openhaven.policy.vocabulary import BEHAVIOUR, COUNTERS, LABELS, TOLD
from openhaven.signals.model import Finding

FROM_SIGNALS = ("terms.", "links.", "banks.", "signals.", BEHAVIOUR)
# What is not known before signals are asked: their answers, and what was counted and noted before.
FROM_ELSEWHERE = (*FROM_SIGNALS, COUNTERS, *LABELS, *TOLD)
_WHOLE = 1 << 64


class Spoken(msgspec.Struct, frozen=True):
    """A rule that matched or could not be answered, the reason it gives and the harm it sees.

    `severity` (1 nuisance to 4) and `help` are what the rule says, else what its harm says. `acts`
    is false when nothing follows. `rank` puts the strongest first, whatever the order in the file.
    """

    rule: Rule
    reason: Reason
    harm: Harm
    severity: int
    help: tuple[str, ...]
    acts: bool
    rank: tuple[int, int, str]


def matched(rule: Rule, findings: tuple[Finding, ...], harm: Harm) -> Spoken:
    """Return what a rule says that holds because of these findings."""
    return _spoken(rule, Reason(rule.id, rule.clause, findings, rule.then.outcome), harm)


def unanswered(rule: Rule, findings: tuple[Finding, ...], harm: Harm) -> Spoken:
    """Return what a rule says that cannot be answered: a person looks, unless it ignores that."""
    return _spoken(rule, Reason(rule.id, rule.clause, findings, "review", False), harm)


def drawn(rule: Rule, event: str) -> bool:
    """Say whether the rule looks at the event with this id, if it looks only at a sample.

    The same rule and event always give the same answer, so that trying again agrees.
    """
    if rule.sample >= 1:
        return True
    digest = hashlib.blake2b(f"{rule.id}\0{event}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < rule.sample * _WHOLE


def lessened(one: Spoken) -> Spoken:
    """Return what a rule says that may not act by itself just now: a person shall look."""
    reason = msgspec.structs.replace(one.reason, outcome="review")
    return msgspec.structs.replace(one, reason=reason, rank=(-STRENGTH["review"], *one.rank[1:]))


def always(rule: Rule, condition: Condition) -> tuple[Spoken, Spoken] | None:
    """Return what the rule says when it holds and when it cannot be answered, if always the same.

    It is for rules that read neither signals nor counters nor labels of platforms, and name their
    harm.
    """
    harm = HARMS.get(rule.then.harm)
    varying = (*FROM_SIGNALS, COUNTERS, *TOLD)
    if harm is None or any(name.startswith(varying) for name in condition.names):
        return None
    return matched(rule, (), harm), unanswered(rule, (not_answered(),), harm)


def _spoken(rule: Rule, reason: Reason, harm: Harm) -> Spoken:
    then = rule.then
    severity = harm.severity if then.severity is None else then.severity
    return Spoken(
        rule=rule,
        reason=reason,
        harm=harm,
        severity=severity,
        help=harm.help if then.help is None else then.help,
        acts=reason.matched or rule.unknown != "ignore",
        rank=(-STRENGTH[reason.outcome], -severity, rule.id),
    )
