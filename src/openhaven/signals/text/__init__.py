"""Terms in texts: found although written to evade, and not found inside innocent words.

`Terms(lists).find(text)` searches all lists at once in time linear in the text. `digest` makes the
entry that stands for a word which nobody who reads a list should have to see.
"""

from openhaven.signals.text.hidden import ENTRY, digest
from openhaven.signals.text.terms import Found, Search, TermList, Terms

__all__ = ["ENTRY", "Found", "Search", "TermList", "Terms", "digest"]
