"""What a call to staff says: that there is something to look at, and where. Never what."""

import msgspec

WAYS = ("webhook", "email")
TITLES = {
    "danger": "Somebody may be in danger now",
    "clock": "A removal is due within six hours",
    "overdue": "A removal is overdue",
}


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

    def message(self, url: str) -> dict[str, str]:
        """Return what is sent; `url` is where this service answers."""
        return {"id": self.id, "type": f"openhaven.alert.{self.kind}", "title": self.title,
                "request": self.request, "url": f"{url}/console"}  # fmt: skip
