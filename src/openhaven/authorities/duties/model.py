"""What a duty to report is, and the words of its states."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

State = Literal["open", "reported", "covered", "no_report"]
STATES: dict[str, str] = {
    "open": "to be reported",
    "reported": "reported",
    "covered": "covered by another report",
    "no_report": "not reported, with a reason",
}
LONGEST_REASON = 2_000
# Grounds on which nothing is reported: counted for everybody, the words about it are sealed.
GROUNDS: dict[str, str] = {
    "no_exploitation": "It shows and says no sexual exploitation",
    "no_child": "It is about no child",
    "told_elsewhere": "The authority knows of it in another way",
    "no_law": "The law does not ask this service",
    "mistake": "It was taken for something else",
    "other": "Another reason",
}
# So long before the end of its clock a duty calls for somebody.
SOON = timedelta(hours=6)


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """A duty under the law of `jurisdiction` to tell `authority` of a case until `due_at`."""

    id: str
    case_id: str
    jurisdiction: str
    authority: str
    why: str
    opened_at: datetime
    due_at: datetime
    state: State
    covered_by: str | None = None
    reference: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    asked: bool = False
    no_report_ground: str | None = None

    def late(self, now: datetime) -> bool:
        """Say whether it is still open after its time."""
        return self.state == "open" and now > self.due_at

    def soon(self, now: datetime) -> bool:
        """Say whether it is open and its time is nearly over, or over."""
        lead = min(SOON, (self.due_at - self.opened_at) / 2)
        return self.state == "open" and now > self.due_at - lead
