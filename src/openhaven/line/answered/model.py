"""When evidence of conduct is new. Pure."""

from collections.abc import Iterator, Mapping

from openhaven.policy import Verdict
from openhaven.policy.model import Reason
from openhaven.signals.behaviour import OF_PAIRS

# A sign's name and the other one of a pair, "" for what is said of an account as a whole; and how
# sure it was (0 to 1).
Signs = Mapping[tuple[str, str], float]
# A sign that has become so much stronger says something new; more than `_SUREST` none can be.
_STRONGER, _SUREST = 1.5, 0.95


def signs(reason: Reason, other: str) -> dict[tuple[str, str], float]:
    """Return the signs that a reason rests on, of a meeting with `other`."""
    return {
        (one.value, other if one.value in OF_PAIRS else ""): one.confidence
        for one in reason.findings
        if one.opinion == "pattern" and one.unknown is None
    }


def is_new(reason: Reason, other: str, answered: Signs) -> bool:
    """Say whether a reason tells something of which nobody was asked yet.

    Where it rests on an account's whole conduct, another child is nothing new, but another kind of
    sign is. Where it rests on one pair alone, every other pair is new.
    """
    if not reason.matched:
        return True
    found = signs(reason, other)
    whole = any(not pair for _, pair in found)
    known = {name for name, _ in answered}
    return not found or any(
        name not in known if pair and whole else _grew(sure, answered.get((name, pair)))
        for (name, pair), sure in found.items()
    )


def _grew(sure: float, before: float | None) -> bool:
    return before is None or before < sure >= min(_STRONGER * before, _SUREST)


def all_signs(verdict: Verdict, other: str) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield the signs of all reasons of a verdict."""
    for reason in verdict.reasons:
        yield from signs(reason, other).items()
