"""Well-being: veiled by default, seen on request, a budget with pauses, opting out, ending a shift.

No number about one person is shown to another.
"""

from openhaven.review.wellbeing.actions import (
    USUAL,
    count,
    end_shift,
    go_on,
    opt_out,
    pause,
    require_no_pause,
    reveal,
)
from openhaven.review.wellbeing.store import avoided, day, exposures, pauses

__all__ = [
    "USUAL",
    "avoided",
    "count",
    "day",
    "end_shift",
    "exposures",
    "go_on",
    "opt_out",
    "pause",
    "pauses",
    "require_no_pause",
    "reveal",
]
