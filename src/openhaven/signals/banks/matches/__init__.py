"""Matches: what banks found on the line, what followed, and what people said of it.

Every match is kept with the task or decision that came of it, so that an entry which is withdrawn
leads back to whatever rested on it. A word of a reviewer about a match is counted, and waits in an
outbox for each source that had told us of the entry.
"""

from openhaven.signals.banks.matches.actions import forget, record, say, say_of_entry, tie
from openhaven.signals.banks.matches.model import Match, Seen
from openhaven.signals.banks.matches.store import (
    found_back,
    match,
    matches_in,
    matches_of,
    matches_with,
    said_by,
)

__all__ = [
    "Match",
    "Seen",
    "forget",
    "found_back",
    "match",
    "matches_in",
    "matches_of",
    "matches_with",
    "record",
    "said_by",
    "say",
    "say_of_entry",
    "tie",
]
