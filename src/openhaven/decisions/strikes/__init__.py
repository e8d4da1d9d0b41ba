"""Strikes: what a decision against an account counts for later. They expire, and can be lifted.

Where a child may be the one who was hurt (depicted, coerced, or sharing a picture of itself) a
strike waits and counts for nothing, until a specialist for child safety has looked. Every strike is
given here, and the database refuses any other.
"""

from openhaven.decisions.strikes.actions import answer, give, lift
from openhaven.decisions.strikes.model import CHILD_HARMS, Strike, life
from openhaven.decisions.strikes.store import counting, strike_of, waiting

__all__ = [
    "CHILD_HARMS",
    "Strike",
    "answer",
    "counting",
    "give",
    "life",
    "lift",
    "strike_of",
    "waiting",
]
