"""What people ask for, which laws that satisfies, and how far a clock has run. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from openhaven.core import Problem
from openhaven.core.words import mark

Kind = Literal["removal", "watch", "threat"]
Age = Literal["adult", "child", "unsaid"]

# Both laws give 48 hours: section 3 of the TAKE IT DOWN Act (Pub. L. 119-12), in force since
# 19 May 2026, and section 10(3A) of the UK Online Safety Act, in force since 29 June 2026.
CLOCK = timedelta(hours=48)
HALF, LAST = timedelta(hours=24), timedelta(hours=6)
MOST_ITEMS = 10
MOST_WORDS = 10_000
QUEUE, DANGER_QUEUE = "intimate-images", "imminent-danger"


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """A request to take something down.

    `items` are ids or addresses as the person gave them, `shows` that it is an intimate picture of
    them (or of whom they act for), `consent` the statement in good faith that it was shared without
    consent. `signature` is a typed name, `contact` an e-mail address; both may be empty.
    """

    items: tuple[str, ...]
    who: Literal["me", "other"] = "me"
    shows: bool = False
    consent: bool = False
    signature: str = ""
    contact: str = ""
    text: str = ""
    age: Age = "unsaid"


class Threat(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody tells us who is threatened.

    `account` and `item` are who threatens and with which message, as far as they are told;
    `reporter` is the account that is threatened where the platform itself vouches for it; then
    `freeze` ends the contact between the two.
    """

    account: str = ""
    item: str = ""
    text: str = ""
    contact: str = ""
    danger: bool = False
    age: Age = "unsaid"
    reporter: str = ""
    freeze: bool = True


def checked(asked: Removal) -> Removal:
    """Return the request when it can be followed, or raise `Problem` with what is missing.

    Fewer things are needed than the laws name: who stays unnamed is helped as quickly.
    """
    if not asked.items:
        raise Problem(
            "removal.items",
            mark("Tell us where the picture is."),
            next_step=mark("Paste the link of each post or message, one in a line."),
        )
    if len(asked.items) > MOST_ITEMS:
        raise Problem("removal.many", mark("Please send at most 10 links at once."),
                      next_step=mark("Send the others in a second request."))  # fmt: skip
    if not asked.shows:
        raise Problem(
            "removal.shows",
            mark("Please tick that it shows you, or the person you act for."),
            next_step=mark("For anything else, use the form “Report something”."),
        )
    if not asked.consent:
        raise Problem("removal.consent", mark("Please tick that it was shared without a yes."),
                      next_step=mark("The law asks for this sentence."))  # fmt: skip
    if len(asked.text) > MOST_WORDS:
        raise Problem("removal.text", mark("Your words are longer than 10,000 characters."),
                      next_step=mark("Please shorten them."))  # fmt: skip
    return asked


def regimes(asked: Removal) -> tuple[str, ...]:
    """Return the laws of which the request has every part; the same clock runs for all others.

    The UK asks for the two declarations, where it is and a contact; the US for a signature as well.
    """
    whole = bool(asked.items and asked.shows and asked.consent and asked.contact)
    if not whole:
        return ()
    return ("uk.osa.10", "us.takeitdown") if asked.signature else ("uk.osa.10",)


def stage(created: datetime, due: datetime, now: datetime) -> int:
    """Return how far a clock has run: 0, 1 when half is over, 2 in the last six hours, 3 late."""
    if now >= due:
        return 3
    if now >= due - LAST:
        return 2
    return int(now >= created + HALF)


def lines(given: str) -> tuple[str, ...]:
    """Return the lines of a field with several links, without empty and repeated ones."""
    return tuple(dict.fromkeys(filter(None, (line.strip() for line in given.splitlines()))))


def category(kind: Kind, *, young: bool) -> str:
    """Return the harm class of the report that a request becomes."""
    if kind == "threat":
        return "sextortion.minor" if young else "ncii"
    return "csam.known" if young else "ncii"


def stage_word(reached: int) -> str:
    """Return the word of the ledger for how far a clock has run."""
    return ("began", "half_over", "last_hours", "overdue")[reached]


def found_word(outcomes: Sequence[str]) -> str:
    """Return what came of matches that people looked at: `removed`, `kept` or `looking`."""
    if any(one not in ("allow", "") for one in outcomes):
        return "removed"
    return "kept" if outcomes and all(outcomes) else "looking"
