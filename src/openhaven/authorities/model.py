"""What a filing is: its states, what it states with the source of each statement, its receipt."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

State = Literal["draft", "filed", "finished", "failed", "withdrawn"]
STATES: dict[str, str] = {
    "draft": "being prepared",
    "filed": "on its way",
    "finished": "received by the authority",
    "failed": "needs a person",
    "withdrawn": "withdrawn",
}
TONES = {"draft": "", "filed": "warn", "finished": "good", "failed": "bad", "withdrawn": ""}
AUTHORITIES: dict[str, str] = {
    "ncmec": "NCMEC CyberTipline (United States)",
    "nca": "National Crime Agency (United Kingdom)",
}
# After so many tries the pause grows no more: an authority that is away for days is asked hourly.
_PAUSES = (5, 15, 60, 300, 900, 1800, 3600)


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """A report to an authority, without its content, which is sealed."""

    id: str
    case_id: str
    authority: str
    number: int
    state: State
    version: int
    created_at: datetime
    created_by: str
    filed_at: datetime | None = None
    filed_by: str | None = None
    next_at: datetime | None = None
    tries: int = 0
    failing_since: datetime | None = None
    trouble: str | None = None
    reference: str | None = None
    finished_at: datetime | None = None
    test: bool = False

    @property
    def editable(self) -> bool:
        """Whether a specialist may still change what it states."""
        return self.state in ("draft", "failed")


def named(authority: str) -> str:
    """Return an authority's name in words."""
    if authority.startswith("hotline-"):
        return f"Hotline ({authority.removeprefix('hotline-').upper()})"
    if authority == "police-eu":
        return "Police of the member state concerned (European Union)"
    return AUTHORITIES.get(authority, authority)


def pause(tries: int) -> timedelta:
    """Return how long to wait after so many tries that failed; never longer than an hour."""
    return timedelta(seconds=_PAUSES[min(max(tries, 1), len(_PAUSES)) - 1])


# What needs somebody, the worst first; the words go before the authority's name.
ALARMS: dict[str, str] = {
    "overdue": "It is overdue to tell",
    "failed": "A person is needed for the report to",
    "expiring": "What was begun is deleted there, if it is not finished:",
    "stuck": "The report does not get through to",
    "due": "It is soon due to tell",
    "unanswered": "No reference has come from",
    "hold": "The time for which this is kept ends:",
}


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Something about duties, reports or holds that needs somebody; without content.

    `about` is the duty, the filing or the ground of the hold, `at` until or since when.
    """

    kind: str
    about: str
    case_id: str
    authority: str
    at: datetime

    @property
    def words(self) -> str:
        """What is the matter, as the beginning of a sentence."""
        return ALARMS[self.kind]

    @property
    def until(self) -> bool:
        """Whether `at` is an end that comes, and not since when something stands."""
        return self.kind in ("overdue", "due", "expiring", "hold")

    @property
    def bad(self) -> bool:
        """Whether the law's time may be lost by it."""
        return self.kind in ("overdue", "failed", "expiring", "stuck")
