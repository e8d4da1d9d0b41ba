"""Recall: what rested on an entry that was withdrawn is put before a person again.

Every match is kept with the task or decision that came of it, and that is the way back. A decision
stands when the person says the same, and is taken back with all that it did when they do not.
"""

from openhaven.exchange.recall.actions import looked_again, reopen

__all__ = ["looked_again", "reopen"]
