"""Exceptions to telling: a person is told later, for a typed reason, with a second person's word.

Two reasons count: a live child-safety investigation, and a legal order. Until a second person has
agreed, the notice waits a day at most; then until the day that was agreed on, 90 days at the most.
It ends by itself, and the notice goes out. Each step is in the ledger.
"""

from openhaven.decisions.exceptions.actions import begin, follow
from openhaven.decisions.exceptions.store import Exempt, exempt, exempt_of, told_at

__all__ = ["Exempt", "begin", "exempt", "exempt_of", "follow", "told_at"]
