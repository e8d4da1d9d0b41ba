"""Telling later: what is in the lane for suspected child sexual exploitation is not told at once.

Who is acted against there hears of it after seven days, so that nothing is destroyed before an
authority was told. For longer it takes a second person, where there is one, and never more than a
year in all. It ends by itself: the notice goes out when its day has come, or at once when a
specialist found nothing.
"""

from openhaven.decisions.withholding.actions import (
    KIND,
    LONGEST,
    WITHHELD,
    ask_longer,
    settle_longer,
    tell_now,
    withhold,
)
from openhaven.decisions.withholding.store import Withheld, withheld

__all__ = [
    "KIND",
    "LONGEST",
    "WITHHELD",
    "Withheld",
    "ask_longer",
    "settle_longer",
    "tell_now",
    "withheld",
    "withhold",
]
