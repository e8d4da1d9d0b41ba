"""The built-in signal about words: lists of terms found in an event's text."""

import hashlib

from openhaven.intake.model import Event
from openhaven.signals.model import Finding, Media, unknown
from openhaven.signals.text import Found, Terms

MOST = 50


class TermSignal:
    """Finds the terms of all lists in the item's text, 50 of them at most."""

    name = "terms"
    gives = frozenset({"terms"})

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        print_ = hashlib.blake2b(repr(terms.lists).encode(), digest_size=4).hexdigest()
        self.version = f"1+{print_}"

    def measure(self, event: Event, media: Media) -> list[Finding]:
        """Return a finding for each term, with its place in the list and its span in the text."""
        del media
        if event.item is None or not event.item.text:
            return []
        search = self._terms.find(event.item.text)
        findings = [self._finding(found) for found in search.found[:MOST]]
        if not search.whole:
            findings.append(unknown(self, "text", "the text could not be searched to its end"))
        return findings

    def _finding(self, found: Found) -> Finding:
        return Finding(
            signal=self.name,
            version=self.version,
            subject="text",
            value=found.list,
            harm="other",
            opinion="term",
            confidence=1.0,
            detail={"term": found.term, "start": found.start, "end": found.end},
        )
