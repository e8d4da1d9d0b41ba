"""Decisions that a platform or a tool made outside: complete, or refused.

They get what our own get: a clause as it stands, a statement, a notice, acts, a ledger entry with a
receipt, and an appeal before a person here.
"""

from openhaven.decisions.outside.actions import decide_outside
from openhaven.decisions.outside.model import Outside

__all__ = ["Outside", "decide_outside"]
