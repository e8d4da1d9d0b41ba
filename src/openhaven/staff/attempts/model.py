"""How many attempts there may be, and how long one waits after them."""

from datetime import timedelta

import msgspec

from openhaven.core import Problem

WINDOW = timedelta(hours=1)
# A device that is not used for this long is a stranger's again.
KNOWN_FOR = timedelta(days=180)


class Limit(msgspec.Struct, frozen=True):
    """At most so many attempts within a span."""

    most: int
    span: timedelta


# From one place for one name; more than anybody mistypes, far fewer than guessing takes.
PLACE = Limit(5, timedelta(minutes=10))
# From all places that are not known, for one name: whoever has many addresses gains nothing by it.
STRANGERS = Limit(30, WINDOW)
KNOWN = Limit(10, timedelta(minutes=10))


def too_often(seconds: int) -> Problem:
    """Return the answer to an attempt that must wait; the same whether the name is somebody's."""
    minutes = max(1, -(-seconds // 60))
    return Problem(
        "sign-in.slow", "There were too many attempts for this name.", status=429,
        detail=f"It can be tried again in {minutes} minute{'s' if minutes > 1 else ''}.",
        next_step="A passkey or a sign-in link works at any time.",
    )  # fmt: skip
