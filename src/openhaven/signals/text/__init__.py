"""Terms in texts: found although written to evade, and not found inside innocent words.

`Terms(lists).find(text)` searches all lists at once in time linear in the text.
"""

from openhaven.signals.text.terms import Found, Search, TermList, Terms

__all__ = ["Found", "Search", "TermList", "Terms"]
