"""When a removal rests on six answers, and what a rule may do instead. Pure."""

from collections.abc import Mapping

from msgspec.structs import replace

from openhaven.decisions.model import Draft
from openhaven.policy import Clause, Verdict
from openhaven.review.terms import INCITEMENT

_TAKING = ("remove", "block", "suspend")


def needs_six(draft: Draft) -> bool:
    """Say whether a decision removes something as incitement by law without the six answers."""
    return draft.six is None and _incites(draft.outcome, draft.ground, draft.harm)


def softened(verdict: Verdict, clauses: Mapping[str, Clause]) -> Verdict:
    """Return a verdict that asks a person and hides it until then, where a rule alone would remove
    it as incitement by law; any other verdict is left as it is.
    """
    clause = clauses.get(verdict.reasons[0].clause) if verdict.reasons else None
    if clause is None or not _incites(verdict.outcome, clause.ground, verdict.harm):
        return verdict
    return replace(verdict, outcome="review", hold=True)


def _incites(outcome: str, ground: str, harm: str) -> bool:
    return outcome in _TAKING and ground == "law" and harm in INCITEMENT
