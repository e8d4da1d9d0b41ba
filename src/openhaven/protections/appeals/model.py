"""An appeal against an age, and whose page leads to it. Values."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from openhaven.core import AgeBand

CLOCK = timedelta(days=7)
# How often somebody may appeal: two answers of different people within a month.
OFTEN, WITHIN = 2, timedelta(days=30)
LONGEST = 2_000
State = Literal["open", "granted", "declined"]


class Held(msgspec.Struct, frozen=True):
    """The account that a page about an age is for."""

    platform: str
    id: str
    subject: str


class Appeal(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal: the band that the person says, in which words, and what came of it.

    `text` and `reasons` are opened, or None once they were forgotten. `decided_band` is what the
    reviewer said, which need not be what was asked for.
    """

    id: str
    platform: str
    account: str
    subject: str
    band: AgeBand
    text: str | None
    created_at: datetime
    due_at: datetime
    state: State
    decided_band: AgeBand | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reasons: str | None = None
