"""Copies: the same thing again is dealt with as one matter, with one list that is seen before.

Of what a person removed or restricted, the same file, nearly the same picture and nearly the same
text are found on the same platform. Who decided sees the list and chooses; from a number on
(`bulk_size`) it takes a second person. Each copy has a notice, a receipt and an appeal of its own,
and gives no strike; where the first decision is overturned, all that followed from it are.
"""

from openhaven.decisions.copies.actions import begin, follow
from openhaven.decisions.copies.model import Copy, Listed
from openhaven.decisions.copies.store import copies_of, find, listed, lists_of

__all__ = ["Copy", "Listed", "begin", "copies_of", "find", "follow", "listed", "lists_of"]
