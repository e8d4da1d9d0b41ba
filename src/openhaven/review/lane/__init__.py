"""The lane for what may be the sexual exploitation of a child.

What a bank match, a rule or a reviewer suspects goes into it and never comes out: the line hides it
on the platform at once and seals a copy, and from then on specialists alone see the case, by any
way that leads to it. A report by somebody puts a case into the lane as well; what it is about is
hidden only once somebody who works here suspects the same, so that nobody has things hidden by
reporting them.
"""

from openhaven.review.lane.actions import catch_up, enter, grown, quarantined, sealed, suspect
from openhaven.review.lane.model import HARMS, LABEL, WHY, Case, Why
from openhaven.review.lane.store import (
    case,
    case_of,
    cases,
    closed,
    event_closed,
    in_lane,
    is_closed,
    known_why,
    media_of,
    nobody_there,
    to_quarantine,
    to_seal,
)

__all__ = [
    "HARMS",
    "LABEL",
    "WHY",
    "Case",
    "Why",
    "case",
    "case_of",
    "cases",
    "catch_up",
    "closed",
    "enter",
    "event_closed",
    "grown",
    "in_lane",
    "is_closed",
    "known_why",
    "media_of",
    "nobody_there",
    "quarantined",
    "sealed",
    "suspect",
    "to_quarantine",
    "to_seal",
]
