"""How far what banks know of an event may lead: the one limit that no pack can lift. Pure."""

from openhaven.core import Outcome
from openhaven.policy.facts import PLATFORM
from openhaven.policy.model import Reason, Verdict
from openhaven.signals.model import Finding


def outcome_within(verdict: Verdict) -> Outcome:
    """Return the verdict's outcome, or `review` where it rests on what is only to be looked at.

    Whatever a pack says: a match with the opinion `investigate`, or in a bank that leads to a
    review at most, never removes anything; nor do signs of behaviour, however many.
    """
    acts = verdict.outcome not in ("allow", "review")
    return "review" if acts and not _may_act(verdict.reasons[0]) else verdict.outcome


def _may_act(reason: Reason) -> bool:
    # What the platform itself said of an account is no match and no guess: it neither holds a rule
    # back nor frees one that rests on guesses.
    told = [
        finding
        for finding in reason.findings
        if finding.unknown is None and finding.signal != PLATFORM
    ]
    return not told or not all(_only_a_look(finding) for finding in told)


def _only_a_look(finding: Finding) -> bool:
    doubtful = finding.opinion in ("investigate", "pattern", "noted")
    return doubtful or finding.detail.get("at_most") == "review"
