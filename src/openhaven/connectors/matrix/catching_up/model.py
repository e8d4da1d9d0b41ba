"""What is owed to a homeserver: a list of its rooms, then one reading of each."""

from datetime import datetime, timedelta

import msgspec

MARGIN = timedelta(minutes=5)
"""How much earlier than the newest event that came a reading begins: a homeserver sends events of
different rooms a little out of their order."""

LONGEST_BACK = timedelta(days=29)
"""How far back may be read again: the inbox knows for 30 days what has come."""


class Listing(msgspec.Struct, frozen=True):
    """A list of rooms that is to be made: everything since `since` is to be read in each."""

    since: datetime
    next_at: datetime


class OwedRoom(msgspec.Struct, frozen=True):
    """A room that is to be read again, from now (or from `page`) back to `since`."""

    room: str
    since: datetime
    round: int
    page: str | None
    attempts: int


class Standing(msgspec.Struct, frozen=True):
    """How the catching up with a homeserver stands.

    `listing` and `rooms` say what is still owed, `since` from when; `error` why it does not go on.
    `done_at` is set when nothing is owed; `events` is how many had not been sent to us.
    """

    listing: bool
    rooms: int
    since: datetime | None
    error: str | None
    done_at: datetime | None
    events: int

    @property
    def owed(self) -> bool:
        """Say whether something is still to be read."""
        return self.listing or self.rooms > 0
