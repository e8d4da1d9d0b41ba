"""A clock of a task: from when to when it runs, and how far it has run. Pure."""

from datetime import datetime, timedelta

import msgspec

# The last part of a clock: six hours, or a quarter of it where it is shorter than a day.
LAST = timedelta(hours=6)
WORDS = ("began", "half_over", "last_hours", "overdue")


class Clock(msgspec.Struct, frozen=True):
    """A time that a law sets: it runs from `since`, when we were told, to `until`."""

    since: datetime
    until: datetime


def stage(clock: Clock, now: datetime) -> int:
    """Return how far a clock has run: 0, 1 when half is over, 2 in its last part, 3 overdue."""
    whole = clock.until - clock.since
    if now >= clock.until:
        return 3
    if now >= clock.until - min(LAST, whole / 4):
        return 2
    return int(now >= clock.since + whole / 2)
