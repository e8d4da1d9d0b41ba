"""Interim measures: a person hides something for a while, because waiting could do harm.

It decides nothing: it ends by itself within days, gives no strike, is told as what it is, and gives
way to the decision. Whoever judges the matter looks at it as if it had not been hidden.
"""

from openhaven.decisions.interim.actions import LONGEST, hide

__all__ = ["LONGEST", "hide"]
