"""What reviewers tell each other about a task, and how long things may rest. Pure."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from openhaven.core import Problem

Kind = Literal["handed", "returned", "snoozed", "escalated", "asked", "said"]
LEVELS = ("senior", "specialist")
MOST_WORDS = 2_000
# A task that was handed to somebody waits for them so long, then it is open to all again.
OFFERED = timedelta(hours=8)
LONGEST_SNOOZE = timedelta(days=3)
# What is due sooner is not worth putting off.
SHORTEST_SNOOZE = timedelta(minutes=15)


class Note(msgspec.Struct, frozen=True):
    """A note on a task; `text` is None when it was erased."""

    kind: Kind
    staff: str
    towards: str | None
    outcome: str | None
    text: str | None
    at: datetime


def wake_at(now: datetime, hours: float, due: datetime, clock: datetime | None) -> datetime:
    """Return until when a task may rest: as asked, at most three days, and never past its time.

    Raises `Problem` (409) when so little time is left that it has to be done now.
    """
    latest = min(due, clock or due, now + LONGEST_SNOOZE)
    if latest - now < SHORTEST_SNOOZE:
        raise Problem("task.due", "This is due too soon to be put off.", status=409,
                      next_step="Judge it, or give it to somebody else.")  # fmt: skip
    return min(latest, now + max(SHORTEST_SNOOZE, timedelta(hours=hours)))


def words(text: str) -> str:
    """Return a note without space around it; raises `Problem` when it is empty or too long."""
    plain = text.strip()
    if not 1 <= len(plain) <= MOST_WORDS:
        raise Problem("task.note", "Say in a few words why.",
                      next_step="Colleagues read it (at most 2,000 characters).")  # fmt: skip
    return plain
