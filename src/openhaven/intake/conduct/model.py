"""When reports count as without ground, and what is never slower. Pure."""

from datetime import timedelta
from typing import Literal

from openhaven.core import HARMS

Conduct = Literal["", "warned", "slow"]

# Of the reports of the last 90 days that were decided, so many at least, and so few were right.
SPAN = timedelta(days=90)
LEAST = 5
RIGHT_SHARE = 0.2
# For how long a warning counts; who goes on in this time is slower.
WARNED = timedelta(days=90)
MORE = 3


def without_ground(right: int, wrong: int) -> bool:
    """Say whether so many of the decided reports were wrong that it is time to say something."""
    decided = right + wrong
    return decided >= LEAST and right <= RIGHT_SHARE * decided


def slower(harm: str) -> bool:
    """Say whether a report of this harm may ever wait longer: not where a child or a life is."""
    found = HARMS.get(harm)
    if found is None:
        return True
    children = found.dsa_category.endswith("PROTECTION_OF_MINORS") or found.help[:1] == ("child",)
    return not children and found.severity < 3
