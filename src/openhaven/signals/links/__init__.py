"""Links: one form for all ways to write an address, found in texts and compared with lists."""

from openhaven.signals.links.canonical import candidates, canonical
from openhaven.signals.links.find import FoundLink, LinkLists, links_in, written

__all__ = ["FoundLink", "LinkLists", "candidates", "canonical", "links_in", "written"]
