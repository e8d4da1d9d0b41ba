"""A look at something, what may be looked for among them, and the digest that seals some."""

import hashlib
import io
from datetime import datetime

import msgspec

from openhaven.core import canonical
from openhaven.core.sheets import Sheet

# What was read, in words; the table of URLs names the kind (`Route.reads`).
KINDS: dict[str, str] = {
    "task": "a task",
    "media": "a picture in full",
    "decision": "a decision",
    "decisions": "the list of decisions",
    "age": "an appeal against an age",
    "match": "a match with a bank",
    "entry": "an entry of a bank",
    "backtest": "events that a back-test named",
    "evidence": "evidence",
    "lane": "a case of suspected child sexual exploitation",
    "file": "what was sent along with a report",
    "filing": "a report to an authority",
    "duty": "a duty to report",
    "request": "a request of an authority",
    "network": "who is tied to a case",
    "returning": "what somebody met who may have come back",
    "person": "somebody's way of signing in",
    "reads": "who read what",
}


class Read(msgspec.Struct, frozen=True):
    """One look: who, at what, when, and with which permission taken in need."""

    id: int
    staff: str
    name: str
    kind: str
    matter: str
    at: datetime
    glass: str | None
    seal: str | None

    @property
    def what(self) -> str:
        """The kind in words."""
        return KINDS.get(self.kind, self.kind)


class Seek(msgspec.Struct, frozen=True):
    """What is looked for: a person's name or id, a matter's id, a span of time. Empty: all."""

    person: str = ""
    matter: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


class Row(msgspec.Struct, frozen=True):
    """What a seal covers of a look."""

    id: int
    staff: str
    kind: str
    matter: str
    at: datetime
    glass: str | None


def digest(rows: list[Row]) -> bytes:
    """Return SHA-256 over the rows in the order of their ids, each canonical and on a line."""
    seen = hashlib.sha256()
    for row in sorted(rows, key=lambda one: one.id):
        fields = msgspec.to_builtins(row) | {"at": row.at.isoformat()}
        seen.update(canonical(fields) + b"\n")
    return seen.digest()


def as_csv(reads: list[Read]) -> str:
    """Return the looks as CSV (RFC 4180); what a spreadsheet would take for a formula is inert."""
    out = io.StringIO(newline="")
    sheet = Sheet(out)
    sheet.line(("at", "person", "staff", "kind", "matter", "taken_in_need", "seal"))
    for one in reads:
        at = one.at.isoformat(timespec="seconds")
        cells = (at, one.name, one.staff, one.kind, one.matter, one.glass or "", one.seal or "")
        sheet.line(cells)
    return out.getvalue()
