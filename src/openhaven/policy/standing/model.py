"""What is known of rules at work: their numbers, and what limits them."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec

from openhaven.policy.model import Verdict

# Outcomes that a rule decides by itself; a person is asked instead when it may not.
ALONE = frozenset({"restrict", "remove", "block"})
NUMBERS = ("matched", "acted", "shadow", "unknown", "capped", "reviewed")


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """How often a rule spoke. `decided` and `overturned` are of decisions that it made alone."""

    matched: int = 0
    acted: int = 0
    shadow: int = 0
    unknown: int = 0
    capped: int = 0
    reviewed: int = 0
    decided: int = 0
    overturned: int = 0


class Standing(Numbers, frozen=True, kw_only=True):
    """A rule with its numbers of some days; `fallen` says since when it only asks a person.

    Then `upheld` of the `appeals` that led to it were upheld.
    """

    rule: str
    fallen: datetime | None = None
    appeals: int = 0
    upheld: int = 0


def counted(verdicts: Sequence[Verdict]) -> dict[tuple[str, str], Counter[str]]:
    """Return what to count, by rule and pack: every rule that spoke, was in doubt or reined in."""
    found: dict[tuple[str, str], Counter[str]] = {}

    def count(verdict: Verdict, rule: str, number: str) -> None:
        found.setdefault((rule, verdict.pack), Counter())[number] += 1

    for verdict in verdicts:
        if not (verdict.reasons or verdict.shadow or verdict.unknown):
            continue
        for place, reason in enumerate(verdict.reasons):
            if reason.matched:
                count(verdict, reason.rule, "matched")
                if place == 0 and reason.rule not in verdict.capped + verdict.fallen:
                    count(verdict, reason.rule, "acted")
        for reason in verdict.shadow:
            count(verdict, reason.rule, "shadow" if reason.matched else "unknown")
        for number, rules in (
            ("unknown", verdict.unknown), ("capped", verdict.capped), ("reviewed", verdict.fallen)
        ):  # fmt: skip
            for rule in rules:
                count(verdict, rule, number)
    return found
