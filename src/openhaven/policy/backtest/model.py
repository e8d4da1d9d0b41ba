"""The values of back-tests: what is asked for, what is stored, and what one event gave."""

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from openhaven.policy.pack import Pack

State = Literal["waiting", "running", "done", "cancelled", "failed"]
Change = Literal["newly", "no longer", "other"]

LONGEST = timedelta(days=366)
MOST_WAITING = 20
# A process that was not heard of for this long has died.
SILENCE = timedelta(seconds=20)
MOST_ATTEMPTS = 3
EXAMPLES = 10
"""How many events are named for each rule and each kind of change."""

# Why an event could not be evaluated. The order is that of the tables.
REASONS = {
    "erased": "the person was erased",
    "expired": "what it said is past its retention",
    "not judged": "the line has not judged it",
    "features": "what the signals answered then was forgotten",
    "not measured": "no rule then asked the banks about it",
    "history": "what happened before it is not known far enough back",
}


class Candidate(msgspec.Struct, frozen=True):
    """A pack that may be tried: its files, and where it came from in words for people."""

    label: str
    fingerprint: str
    files: dict[str, str]

    @staticmethod
    def of(label: str, pack: Pack) -> "Candidate":
        """Return a loaded pack as a candidate."""
        return Candidate(label, pack.fingerprint, pack.files)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to know: a pack, a period, and why they look over people's data.

    The period is that in which events came in, from `since` up to and without `until`. `against` is
    another pack; without it the comparison is with what happened.
    """

    tried: Candidate
    against: Candidate | None = None
    since: datetime
    until: datetime
    platform: str | None = None
    purpose: str


class Example(msgspec.Struct, frozen=True):
    """An event that would end otherwise: its number, what was and what would be."""

    seq: int
    change: Change
    rules: tuple[str, ...]
    was: str
    would: str
    platform: str = ""
    event: str = ""


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """A stored back-test, without the files of its packs."""

    id: str
    label: str
    pack: str
    against: str | None
    since: datetime
    until: datetime
    platform: str | None
    purpose: str
    started_by: str
    created_at: datetime
    state: State
    attempts: int
    heard_at: datetime | None
    begun_at: datetime | None
    begun_done: int
    done: int
    total: int
    cancel_asked: bool
    ended_at: datetime | None
    error: str | None
    figures: dict[str, Any] | None

    @property
    def left(self) -> timedelta | None:
        """How long it will take as far as that can be told by its pace; None when it cannot."""
        fresh = self.done - self.begun_done
        if self.state != "running" or fresh <= 0 or None in (self.begun_at, self.heard_at):
            return None
        assert self.begun_at is not None
        assert self.heard_at is not None
        return (self.heard_at - self.begun_at) / fresh * max(self.total - self.done, 0)


class Plan(msgspec.Struct, frozen=True):
    """What the process that works on a back-test needs."""

    id: str
    files: dict[str, str]
    against_files: dict[str, str] | None
    since: datetime
    until: datetime
    platform: str | None
    attempts: int


class Human(msgspec.Struct, frozen=True):
    """What people said in the end: by event, and by task for all events that it joined."""

    events: dict[int, bool]
    tasks: dict[str, bool]

    def of(self, seq: int, task: str | None) -> bool | None:
        """Return whether people found that this event broke a rule; None when nobody judged it."""
        said = self.events.get(seq)
        return self.tasks.get(task) if said is None and task is not None else said
