"""Kinds of lawful requests: whose law, by when, who must be who they say, what may be given. Pure.

The facts are data (`data/requests.json`), each row with its source and how well that was read.
"""

from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from openhaven.core import Problem

Code = Literal["order", "warrant", "emergency", "preservation", "epoc", "epoc-pr", "removal",
               "foreign"]  # fmt: skip
# What this service holds of an account, from what says least to what says most.
CATEGORIES: dict[str, str] = {
    "subscriber": "Who an account belongs to: what the platform told of it, and its address",
    "access": "Network addresses, with their times",
    "traffic": "When the account did what, with whom, without content",
    "content": "What the account posted or sent, with pictures",
    "decisions": "Decisions about the account, with their reasons",
    "evidence": "Sealed evidence of cases about the account",
}
# A long way back is asked for on its own, with its own reason.
LONGEST = timedelta(days=366)
MOST_ACCOUNTS = 20


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row of the table. `hours` and `urgent_hours` are the clocks from receipt on.

    `produces` are the categories that may be given, `keeps` the ground of the hold that it brings,
    `notice` who tells the person: this service, the issuer first, a decision, or nobody, since
    nothing is given. `treaty` says that it needs one.
    """

    code: Code
    words: str
    law: str
    hours: int
    urgent_hours: int
    clock: Literal["law", "ours"]
    wording: str
    authenticates: str
    produces: tuple[str, ...]
    keeps: str
    notice: Literal["ours", "issuer", "decision", "none"]
    delay_days: int
    treaty: bool
    source: str
    confidence: Literal["read", "secondary", "recalled"]

    def due(self, received: datetime, *, life: bool) -> datetime:
        """Return by when it is to be answered; `life` says that a life is in danger."""
        return received + timedelta(hours=self.urgent_hours if life else self.hours)

    @property
    def outcome(self) -> Literal["produced", "preserved", "removed"]:
        """What it asks for, when it is not refused."""
        if self.produces:
            return "produced"
        return "preserved" if self.keeps else "removed"


@cache
def kinds() -> dict[str, Kind]:
    """Return the table of kinds by their codes, as it is shipped."""
    text = files("openhaven.authorities").joinpath("data/requests.json").read_bytes()
    return {one.code: one for one in msgspec.json.decode(text, type=tuple[Kind, ...])}


def kind_of(code: str) -> Kind:
    """Return the kind of this code; raises `Problem` for one that there is not."""
    found = kinds().get(code)
    if found is None:
        raise Problem("request.kind", "There is no such kind of request.",
                      next_step="Choose one of the list.")  # fmt: skip
    return found
