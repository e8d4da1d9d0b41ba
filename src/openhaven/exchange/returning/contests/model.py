"""What a newcomer says against a match, and what came of it. Values."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

CLOCK = timedelta(days=7)
LONGEST = 2_000
MOST = 2


class Contest(msgspec.Struct, frozen=True, kw_only=True):
    """A contest: in which words, and what came of it. Texts are None once they were forgotten."""

    id: str
    sighting: str
    platform: str
    account: str
    subject: str
    text: str | None
    created_at: datetime
    due_at: datetime
    state: Literal["open", "granted", "declined"]
    decided_by: str | None = None
    decided_at: datetime | None = None
    reasons: str | None = None
