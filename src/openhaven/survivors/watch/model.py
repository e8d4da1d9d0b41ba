"""What a watch is, and which hashes cannot be watched for. Pure."""

import msgspec

from openhaven.core import Problem
from openhaven.core.words import mark
from openhaven.survivors.model import Age

BANKS = {False: "watched-for-people", True: "watched-for-children"}
PURPOSE = "Pictures that the people in them asked to be looked for, from their own devices."
DAYS = (90, 180, 365)
LEAST_QUALITY = 50
# The bits of a PDQ hash say which frequencies lie above their median, so that half of them are set.
LEAST_SET, MOST_SET = 96, 160
# So many looks that found nothing wrong, and so many matches that nobody has judged, end a watch.
MOST_WRONG, MOST_WAITING = 3, 25


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """A hash to be looked for: PDQ in 32 bytes, its quality, for how many days, and for whom."""

    pdq: bytes
    quality: int
    days: int = 365
    age: Age = "unsaid"
    mine: bool = False


def checked(asked: Watch) -> Watch:
    """Return the watch when it can be kept, or raise `Problem` with the reason in plain words.

    Hashes of pictures with little in them would match at random (Meta's advice: quality under 50).
    """
    if not asked.mine:
        raise Problem(
            "watch.mine",
            mark("Please tick that the picture shows you."),
            next_step=mark("For somebody else, use the form to have it removed."),
        )
    if len(asked.pdq) != 32:
        raise Problem(
            "watch.hash",
            mark("The picture was not read on this device."),
            next_step=mark("Choose the picture again. This page needs JavaScript."),
        )
    plain = len(set(asked.pdq)) == 1 or not LEAST_SET <= _set(asked.pdq) <= MOST_SET
    if plain or not LEAST_QUALITY <= asked.quality <= 100:
        raise Problem("watch.plain", mark("There is too little in this picture to look for it."),
                      next_step=mark("It is nearly all of one colour, so it would look like many "
                                     "others. Choose another picture."))  # fmt: skip
    if asked.days not in DAYS:
        raise Problem("watch.days", mark("Choose for how long we shall look."))
    return asked


def _set(value: bytes) -> int:
    return int.from_bytes(value).bit_count()
