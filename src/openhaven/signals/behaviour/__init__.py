"""Behaviour: signs of grooming and sextortion that need no message content.

Who contacts whom, how often, how soon, who answers and who turns away: from that, and from what the
platform says of the two, `look` names signs, each with a sentence and numbers that a reviewer can
read. What was before comes from `COUNTERS`, kept by `history` like those of a pack. All of it is
pure. No sign acts alone: rules combine them, and what rests on signs alone is only looked at.
"""

from openhaven.signals.behaviour.counting import COUNTERS
from openhaven.signals.behaviour.patterns import OF_PAIRS, SIGNS, look
from openhaven.signals.behaviour.who import KINDS, Meeting

__all__ = ["COUNTERS", "KINDS", "OF_PAIRS", "SIGNS", "Meeting", "look"]
