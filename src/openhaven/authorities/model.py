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
