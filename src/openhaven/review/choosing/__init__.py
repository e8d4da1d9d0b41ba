"""Choosing: which languages somebody reads, and how little of what is hard to see they want to see.

What somebody chooses is stricter than the house, never laxer, and nobody else's matter: it is not
in the ledger and on no page but their own.
"""

from openhaven.review.choosing.actions import choose
from openhaven.review.choosing.model import STRICTER, Choices, read_languages
from openhaven.review.choosing.store import choices, languages

__all__ = ["STRICTER", "Choices", "choices", "choose", "languages", "read_languages"]
