"""What needs two people, and a request for the second one. Pure."""

from datetime import datetime, timedelta

import msgspec

from openhaven.core import Permission, Problem


class Kind(msgspec.Struct, frozen=True):
    """Something that takes two people: its words, who may answer, and when a request lapses.

    `where` is the page of the console that shows the matter; `{matter}` stands for its id.
    """

    words: str
    permission: Permission
    lapses: timedelta = timedelta(days=3)
    where: str = ""


KINDS: dict[str, Kind] = {
    "termination": Kind("End an account for good", "decision.second"),
    "bulk": Kind("Act on many at once", "decision.second", where="/console/copies/{matter}"),
    "notice-exception": Kind("Tell a person later", "decision.second", timedelta(days=1)),
    "interim-again": Kind(
        "Hide something longer before it is decided", "decision.second",
        where="/console/decisions/{matter}",
    ),
    "evidence-opening": Kind("Open sealed evidence", "safety.second"),
    "no-report": Kind("Make no report to an authority", "safety.second"),
    "network-further": Kind("Look one step further from a case", "safety.second"),
    "withhold-longer": Kind("Withhold a notice for longer", "safety.second"),
    "returning-list": Kind(
        "Exchange a list of those who may come back", "returning.edit",
        where="/console/returning/lists",
    ),
    "request-disclosure": Kind("Give data to an authority", "requests.handle"),
    "request-delay": Kind("Tell a person later that an authority asked", "requests.handle"),
    "authority-contact": Kind(
        "Take an authority into the list of those that are known", "requests.handle",
        where="/console/requests/contacts",
    ),
    "bank-bulk": Kind(
        "Change many entries of a bank, or send them to others", "bank.edit", where="/console/banks"
    ),
}  # fmt: skip


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a second person, as far as it names no reasons."""

    id: str
    kind: str
    matter: str
    asked_by: str
    asked_name: str
    asked_at: datetime
    lapses_at: datetime
    state: str
    answered_by: str | None
    answered_at: datetime | None


class Approval(Asked, frozen=True, kw_only=True):
    """A request for a second person; `reason` and `answer` are empty once they were blanked."""

    reason: str = ""
    answer: str = ""

    @property
    def where(self) -> str:
        """The page of the matter in the console, or an empty text."""
        return KINDS[self.kind].where.format(matter=self.matter)


def kind_of(code: str) -> Kind:
    """Return the kind of this code, or raise `Problem` when there is none."""
    if code not in KINDS:
        raise Problem("approval.kind", f"“{code}” is nothing that takes two people.",
                      next_step="Use one of: " + ", ".join(KINDS))  # fmt: skip
    return KINDS[code]


def said(text: str) -> str:
    """Return a reason without space around it; raises `Problem` for one that says nothing."""
    tidy = text.strip()
    if not 1 <= len(tidy) <= 2_000:
        raise Problem("approval.reason", "Say in a few words why.",
                      next_step="Write up to 2,000 characters.")  # fmt: skip
    return tidy
