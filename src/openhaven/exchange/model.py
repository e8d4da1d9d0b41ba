"""What a source of bank entries is, and the one typed answer that each of them gives."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from openhaven.connectors import Http
from openhaven.signals.banks.model import AtMost, Kind, Mode, Word

PAGE_BYTES = 50_000_000
MOST_CHANGES = 20_000


class SourceError(Exception):
    """The source did not answer as it should; the sentence says why, for staff."""


class StartAgainError(SourceError):
    """What was read so far cannot be continued: the source must be read from its start."""


class Value(NamedTuple):
    """One hash or link of a record, in bytes; links are canonical."""

    kind: Kind
    value: bytes
    quality: int | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a source now says of one of its records: its values, or nothing any more.

    Without `values` the record is gone. A record that comes again replaces what it said before.
    `at` is when the source changed it: an older change than the one that is known is left out.
    """

    source_id: str
    values: tuple[Value, ...] = ()
    opinion: Literal["positive", "investigate"] = "positive"
    tags: tuple[str, ...] = ()
    at: datetime | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of what a source has to say, and how far it was read with it.

    `checkpoint` is the plugin's own text. `more` says that the next page can be had at once.
    `starts` is set on the first page of a listing of everything, `ends` on its last one: what the
    listing did not name is gone. `faults` say what could not be used, one sentence each.
    """

    changes: tuple[Change, ...]
    checkpoint: str
    more: bool = False
    starts: bool = False
    ends: bool = False
    faults: tuple[str, ...] = ()


class Saying(msgspec.Struct, frozen=True):
    """A word about an entry on its way back to the source that told us of it."""

    source_id: str
    kind: Kind
    value: bytes
    word: Word
    tags: tuple[str, ...] = ()


class Told(NamedTuple):
    """How a word arrived: `sent`, to be tried again (`retry`), or refused for good (`failed`)."""

    state: Literal["sent", "retry", "failed"]
    error: str = ""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A source as it is kept. Its credentials are opened only for who fetches from it.

    `entries` (living ones), `waiting` and `undelivered` (words) are counted only in a list of all.
    """

    id: str
    name: str
    kind: str
    url: str
    config: dict[str, Any]
    harm: str
    mode: Mode
    at_most: AtMost
    radius: int
    clause: str
    owner: str
    purpose: str
    interval_s: int
    sends_feedback: bool
    checkpoint: str
    listing_since: datetime | None
    next_at: datetime
    lease_until: datetime | None
    paused_at: datetime | None
    read_at: datetime | None
    current_at: datetime | None
    pages: int
    failures: int
    failing_since: datetime | None
    last_error: str | None
    refused: int
    last_refused: str | None
    created_at: datetime
    removed_at: datetime | None = None
    entries: int = 0
    waiting: int = 0
    undelivered: int = 0

    def stale(self, now: datetime) -> bool:
        """Say whether it is longer ago than three intervals that everything was read."""
        since = self.current_at or self.created_at
        return self.paused_at is None and (now - since).total_seconds() > 3 * self.interval_s


class Exchange(Protocol):
    """A source that can be read, built-in or from the entry-point group `openhaven.exchanges`."""

    def fetch(self, checkpoint: str, now: datetime) -> Page:
        """Return the page after `checkpoint` (empty: from the start).

        The same checkpoint may be asked for again, after a crash. Raises `SourceError`, or
        `StartAgainError` when the checkpoint is of no use any more.
        """

    def send(self, saying: Saying) -> Told:
        """Send a word back. A source that takes none answers `failed`."""


Factory = Callable[[Source, Mapping[str, str], Http], Exchange]


class Stored(NamedTuple):
    """What a page changed: entries that are new, that were withdrawn, and what was not usable."""

    added: int
    withdrawn: int
    refused: int


def position(checkpoint: str) -> dict[str, Any]:
    """Return a checkpoint that was written as a JSON object; an empty one is an empty object."""
    found = json.loads(checkpoint) if checkpoint else {}
    return found if isinstance(found, dict) else {}


def mark(**values: Any) -> str:
    """Return a checkpoint as JSON, the same text for the same values."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"))
