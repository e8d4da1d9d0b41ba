"""The values of this room: a match as it was seen, and as it is kept."""

from datetime import datetime
from typing import NamedTuple

import msgspec


class Seen(NamedTuple):
    """A match that was seen on the line, and what came of its event.

    `event` is the event's number here, `subject` the part of it that matched. `noted` says why
    rules do not act upon it (`shadow`, `cleared`), or is empty.
    """

    event: int
    bank: str
    entry: int
    subject: str
    opinion: str
    distance: int
    noted: str = ""
    cleared_by: int | None = None
    task: str | None = None
    decision: str | None = None


class Match(msgspec.Struct, frozen=True):
    """A match as it is kept, with the name of its bank and what is known of its entry.

    `look_back` names the run that found it, when the item was there before the entry.
    """

    id: int
    at: datetime
    bank: str
    entry: int
    event: int
    subject: str
    opinion: str
    noted: str
    cleared_by: int | None
    distance: int
    task: str | None
    decision: str | None
    kind: str
    harm: str
    mode: str
    provenance: str
    quality: int | None
    source: str | None
    withdrawn_at: datetime | None
    withdrawn_reason: str | None
    confirmed: int
    false_matches: int
    look_back: str | None = None
