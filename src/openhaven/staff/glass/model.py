"""A permission that was taken in need, and what somebody else said of it."""

from datetime import datetime, timedelta

import msgspec

from openhaven.core import Problem

# For how many minutes a permission may be taken.
SPANS: tuple[int, ...] = (15, 30, 60, 240)
WAYS = ("webhook", "email")
VERDICTS: dict[str, str] = {"right": "It was right", "wrong": "It was not right"}
_SHORTEST, _LONGEST = 10, 2_000


class Break(msgspec.Struct, frozen=True):
    """A permission taken in need: whose, which, why, until when, and what was said of it."""

    id: str
    staff: str
    name: str
    permission: str
    reason: str
    taken_at: datetime
    ends_at: datetime
    given_back_at: datetime | None = None
    reviewer: str | None = None
    reviewed_at: datetime | None = None
    verdict: str | None = None
    remark: str = ""
    alone: bool = False
    reads: int = 0

    def lasts(self, now: datetime) -> bool:
        """Say whether it still allows anything."""
        return self.given_back_at is None and self.ends_at > now


class Call(msgspec.Struct, frozen=True):
    """A call to those who manage staff that is due."""

    glass: str
    way: str
    attempts: int


def check_reason(reason: str) -> str:
    """Return a reason that somebody else can judge by; raises `Problem` (400)."""
    tidy = reason.strip()
    if not _SHORTEST <= len(tidy) <= _LONGEST:
        raise Problem("glass.reason", "Say in a sentence why.", status=400,
                      detail=f"It has {_SHORTEST} to {_LONGEST} characters.",
                      next_step="Somebody else reads it afterwards.")  # fmt: skip
    return tidy


def span(minutes: str) -> timedelta:
    """Return for how long a permission is taken; raises `Problem` (400) for another span."""
    if minutes not in map(str, SPANS):
        raise Problem("glass.span", "Choose for how long.", status=400,
                      next_step="Use " + ", ".join(map(str, SPANS)) + " minutes.")  # fmt: skip
    return timedelta(minutes=int(minutes))
