"""Breaking the glass: a permission that one lacks, taken in need, for a while, before everybody.

Whoever takes one says why. Everybody who manages staff is told at once, in the console and by the
calls of the house; it ends by itself; each look that it allowed is marked; and somebody else says
afterwards whether it was right. Until then it stands on a page.
"""

from openhaven.staff.glass.actions import give_back, review, take
from openhaven.staff.glass.jobs import tell
from openhaven.staff.glass.model import SPANS, Break
from openhaven.staff.glass.store import breaks

__all__ = ["SPANS", "Break", "breaks", "give_back", "review", "take", "tell"]
