"""“That is not me”: a newcomer who met something says so, and a person answers.

Who answers is not who judged the matter. When it is somebody else, nothing follows any more, and
the same will not be asked of that account again.
"""

from openhaven.exchange.returning.contests.actions import contest, decide
from openhaven.exchange.returning.contests.model import MOST, Contest
from openhaven.exchange.returning.contests.store import (
    contest_of,
    contests_of,
    open_contests,
    sighting_of_token,
    token,
)

__all__ = [
    "MOST",
    "Contest",
    "contest",
    "contest_of",
    "contests_of",
    "decide",
    "open_contests",
    "sighting_of_token",
    "token",
]
