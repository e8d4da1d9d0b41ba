"""Who the two are between whom something happens: their ages as they are believed, and family.

For rules and signals, which look at what happened; a check before it happens asks `accounts`.
"""

from openhaven.protections.meetings.store import Both, Pair, between

__all__ = ["Both", "Pair", "between"]
