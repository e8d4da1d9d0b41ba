"""Help in a letter: a directory, where and how old the reader is, and where our own page is."""

from collections.abc import Sequence
from datetime import date

import msgspec

from openhaven.core import AgeBand
from openhaven.support.directory import Directory
from openhaven.support.model import AGES
from openhaven.support.words import lines

# Nothing of it is verified on any day: there is nothing in it.
_NOBODY = Directory((), date.min)


class Guide(msgspec.Struct, frozen=True):
    """How somebody finds help. Without a directory, the international ones are named."""

    directory: Directory | None = None
    page: str = ""
    country: str = ""
    band: AgeBand = "unknown"

    def at(self, country: str | None, band: str) -> "Guide":
        """Return the guide for somebody of whom country and age are known, or not."""
        known = next((one for one in AGES if one == band), "unknown")
        return msgspec.structs.replace(self, country=country or self.country, band=known)

    def lines(self, topics: Sequence[str], language: str) -> list[str]:
        """Return where to turn with these topics, as lines of text; none without a topic."""
        if not topics:
            return []
        held = self.directory or _NOBODY
        found = held.find(self.country, topics, self.band, language)
        page = self.page if language == "en" or not self.page else f"{self.page}?lang={language}"
        return lines(found, language, country=self.country, page=page)
