"""Lists of tokens between operators: only under an agreement, signed, checked, and by two people.

Both sides hold the secret of the agreement, so that both make the same tokens of the same
identifier, and nobody else does. A list that arrives is checked entry by entry; what is poisoned
stays out, and a list with much of it stays out wholly. What came with a list leads to a person's
look at most.
"""

from openhaven.exchange.returning.lists.actions import (
    agree,
    ask_export,
    ask_import,
    end_agreement,
    export,
    follow,
)
from openhaven.exchange.returning.lists.checking import REASONS
from openhaven.exchange.returning.lists.model import Agreement, Report
from openhaven.exchange.returning.lists.store import agreements, lists, public_key

__all__ = [
    "REASONS",
    "Agreement",
    "Report",
    "agree",
    "agreements",
    "ask_export",
    "ask_import",
    "end_agreement",
    "export",
    "follow",
    "lists",
    "public_key",
]
