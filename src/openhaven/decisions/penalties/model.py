"""The step of the ladder that an account stands on, and what waits for a second person. Pure."""

from datetime import datetime, timedelta

import msgspec

# Whoever wants longer wants it for good, and that takes a second person.
YEAR = timedelta(days=365)


class Step(msgspec.Struct, frozen=True):
    """What may be done to an account now: strikes that count, and the longest suspension.

    `longest_days` of None means that it may be for good, which takes a second person.
    """

    strikes: int
    longest_days: int | None

    def cut(self, until: datetime | None, now: datetime) -> datetime | None:
        """Return `until`, or the end of the longest suspension when that comes before.

        Where it may be for good, what has an end still ends within a year.
        """
        if until is None and self.longest_days is None:
            return None
        end = now + (YEAR if self.longest_days is None else timedelta(days=self.longest_days))
        return end if until is None else min(until, end)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A judgement that would end an account for good, with what it is about."""

    judgement: str
    task: str
    platform: str
    account: str | None
    harm: str
    clause: str
    pack: str
    facts: str
