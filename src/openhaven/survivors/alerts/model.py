"""What a call to staff says: that there is something to look at, and where. Never what."""

import msgspec

WAYS = ("webhook", "email")
TITLES = {
    "danger": "Somebody may be in danger now",
    "clock": "A removal is due within six hours",
    "overdue": "A removal is overdue",
    "task_clock": "A task is in the last part of the time that a law gives",
    "task_overdue": "A task is overdue by law",
    "duty": "A report to an authority is due soon",
    "duty_overdue": "A report to an authority is overdue",
    "filing_failed": "A report to an authority needs a person",
    "filing_stuck": "An authority has not taken a report for an hour",
    "filing_expiring": "An authority will delete an unfinished report soon",
    "authority_closed": "An authority does not accept our user and password",
    "schema_changed": "An authority has changed what reports have to look like",
    "evidence_lost": "Sealed evidence is missing from its store",
    "request": "A request of an authority is due soon",
    "request_overdue": "A request of an authority is overdue",
    "request_unanswered": "A request of an authority is long overdue",
    "request_unheard": "Nobody of the list was reached about a life in danger",
}

# What stands on the first page of the console.
_FIRST = ("danger", "clock", "overdue", "task_clock", "task_overdue", "evidence_lost")


class Alert(msgspec.Struct, frozen=True):
    """A call on its way out."""

    id: str
    kind: str
    request: str
    way: str
    attempts: int

    @property
    def title(self) -> str:
        """What it is about, in a line."""
        return TITLES[self.kind]

    @property
    def page(self) -> str:
        """The page of the console where it is seen."""
        if self.kind.startswith("request"):
            return "/console/requests"
        return "/console" if self.kind in _FIRST else "/console/filings"

    def message(self, url: str) -> dict[str, str]:
        """Return what is sent; `url` is where this service answers."""
        return {"id": self.id, "type": f"openhaven.alert.{self.kind}", "title": self.title,
                "request": self.request, "url": f"{url}{self.page}"}  # fmt: skip
