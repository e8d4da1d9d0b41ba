"""A copy of what was decided on, and a list of them. Pure."""

from datetime import datetime
from typing import Literal

import msgspec

How = Literal["file", "picture", "text"]

# How far the hashes of pictures and the sketches of texts may differ (of 256 bits): the bound of
# banks, too.
NEAR = 31
# Below this a picture's hash says too little (PDQ's own measure).
LEAST_QUALITY = 50


class Copy(msgspec.Struct, frozen=True):
    """An item that is the same, or nearly: `file`, `picture` or `text` says in what."""

    item: str
    event: int
    account: str
    how: How
    at: datetime


class Listed(msgspec.Struct, frozen=True):
    """A list of copies: `waits` for a second person, is `done`, or was `refused`."""

    id: str
    decision: str
    asked_by: str
    asked_at: datetime
    state: str
    n: int
    alone_upto: int


def distance(one: bytes, other: bytes) -> int:
    """Return in how many bits two hashes of the same length differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()
