"""What is known of how a piece of media looks: its hashes, one for each way to read it."""

from typing import Literal

import msgspec

BYTES = 32
MIN_QUALITY = 50  # below it the published advice is not to use a hash at all
MOST_READINGS = 16
PIXELS = 50_000_000  # of a picture that is decoded at all

# How a hash came about, in the order in which readings are kept when there are too many.
Read = Literal["white", "black", "plain", "stored", "inside", "frame"]


class Reading(msgspec.Struct, frozen=True):
    """A PDQ hash (32 bytes) of quality 50 to 100, and the way of reading the file that gave it.

    `white` and `black`: as people see it, transparent parts on that ground. `plain`: the colours
    alone, neither turned nor with transparency nor by a colour profile; `stored`: the numbers as
    they stand in the file. These two are how other programs read, and so what their lists hold.
    `inside`: what people see, without bars at its edges. `frame`: a later one of a moving picture.
    """

    read: Read
    pdq: bytes
    quality: int
