"""Pauses, what somebody does not take, and their day. How much is asked of one is a setting."""

from datetime import timedelta

import msgspec

# What a page calls somebody's day.
SHIFT = timedelta(hours=8)
LONGEST = timedelta(hours=4)


class Pause(msgspec.Struct, frozen=True):
    """A pause of somebody: from one harm class, or (empty) from everything."""

    harm: str
    why: str
    minutes: int


class Avoided(msgspec.Struct, frozen=True):
    """What somebody is not to be given now: harms they pause from and harms they opted out of."""

    paused: tuple[str, ...] = ()
    opted_out: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether they pause from everything."""
        return "" in self.paused


class Day(msgspec.Struct, frozen=True):
    """What somebody did in the time of a shift; only they themselves see it."""

    judged: int
    seen: int
    mine: int
