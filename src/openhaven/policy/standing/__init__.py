"""How the rules stand: what each did day by day, how often it may still act today, and whether it
fell back to asking a person because too many of its decisions were overturned on appeal.
`messages` tell the owner of that.
"""

from openhaven.policy.standing import messages
from openhaven.policy.standing.actions import (
    fall_back,
    forget_counts,
    lift,
    rein_in,
    sum_up,
    tally,
)
from openhaven.policy.standing.model import NUMBERS, Numbers, Standing
from openhaven.policy.standing.store import fallen, standing

__all__ = [
    "NUMBERS",
    "Numbers",
    "Standing",
    "fall_back",
    "fallen",
    "forget_counts",
    "lift",
    "messages",
    "rein_in",
    "standing",
    "sum_up",
    "tally",
]
