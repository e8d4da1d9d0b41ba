"""What a run of looking back goes through, page by page, and what of it its entries match.

Hashes of media are compared as they lie in the database. Films are compared frame by frame, and
texts and links by the signals of the line, which read the sealed events again as far as there is a
ground to look at them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from openhaven.exchange.lookback import store
from openhaven.exchange.lookback.comparing import Hit, Sieve
from openhaven.exchange.lookback.model import EVENT_PAGE, FILM_PAGE, OF_EVENTS
from openhaven.intake import Event
from openhaven.intake.store import opened
from openhaven.signals import Banks, Finding
from openhaven.signals.addresses import LinkSignal
from openhaven.signals.banks import BankInfo
from openhaven.signals.films import FilmSignal
from openhaven.signals.likenesses import LikenessSignal
from openhaven.signals.links import LinkLists
from openhaven.storage import Tx

Entries = Sequence[tuple[int, bytes]]


class Leaf(NamedTuple):
    """A page that was gone through: how many things, the last one, and what matched."""

    number: int
    last: str
    hits: list[Hit]


class Reader(Protocol):
    """Goes through what was seen, a page at a time."""

    def read(self, tx: Tx, since: datetime, after: str, size: int) -> Leaf | None:
        """Return the next page with its matches; None when there is none."""


def reader(info: BankInfo, entries: Entries, banks: Banks) -> Reader:
    """Return what goes through things for a bank of this kind, looking for these entries."""
    if info.kind in OF_EVENTS:
        return _Events(info, entries, banks)
    if info.kind == "video":
        return _Films(info, entries, banks)
    return _Hashes(info, entries)


class _Hashes:
    def __init__(self, info: BankInfo, entries: Entries) -> None:
        self._kind, self._sieve = info.kind, Sieve(info.kind, entries, info.radius)

    def read(self, tx: Tx, since: datetime, after: str, size: int) -> Leaf | None:
        if self._kind == "pdq" and store.has_films(tx, since):
            size = min(size, FILM_PAGE)
        page = store.page(tx, self._kind, since, after, size)
        return None if page is None else Leaf(page.number, page.last, self._sieve.hits(page))


class _Films:
    def __init__(self, info: BankInfo, entries: Entries, banks: Banks) -> None:
        self._bank, self._wanted = info.name, {number for number, _ in entries}
        self._signal = FilmSignal(banks)

    def read(self, tx: Tx, since: datetime, after: str, size: int) -> Leaf | None:
        rows = store.films(tx, since, after, min(size, FILM_PAGE))
        if not rows:
            return None
        hits = [hit for row in rows for hit in self._hits(row.id, row.film)]
        return Leaf(len(rows), rows[-1].id, hits)

    def _hits(self, media: str, film: bytes) -> list[Hit]:
        found = self._signal.known(f"media:{media}", film)
        return [hit for one in found if (hit := _hit(media, one, self._bank, self._wanted))]


class _Events:
    def __init__(self, info: BankInfo, entries: Entries, banks: Banks) -> None:
        self._info, self._banks = info, banks
        self._wanted = {number for number, _ in entries}

    def read(self, tx: Tx, since: datetime, after: str, size: int) -> Leaf | None:
        rows = store.events(tx, since, int(after or 0), min(size, EVENT_PAGE))
        if not rows:
            return None
        tx.keys.load(row.subject for row in rows)
        hits: list[Hit] = []
        for row in rows:
            try:
                event = opened(tx, row.subject, row.body)
            except msgspec.MsgspecError:  # Of a version long ago: nothing can be said of it.
                continue
            if event is not None and event.may_be_read(row.private_basis):
                hits += self._hits(str(row.seq), event)
        return Leaf(len(rows), str(rows[-1].seq), hits)

    def _hits(self, seq: str, event: Event) -> list[Hit]:
        found = said(self._banks, self._info.kind, event)
        return [hit for one in found if (hit := _hit(seq, one, self._info.name, self._wanted))]


def said(banks: Banks, kind: str, event: Event) -> list[Finding]:
    """Return what banks of links or of texts say of an event."""
    if kind == "link":
        return LinkSignal(LinkLists({}), banks).measure(event, {})
    return LikenessSignal(banks).measure(event, {})


def _hit(thing: str, finding: Finding, bank: str, wanted: set[int]) -> Hit | None:
    entry = finding.detail.get("entry")
    if finding.value != bank or finding.opinion == "link" or entry not in wanted:
        return None
    distance = int(finding.detail.get("distance", 0))
    return Hit(thing, int(entry), distance, finding.subject)
