"""What is known of a film: the hashes of its frames and their moments."""

from collections.abc import Iterable
from typing import NamedTuple

FRAME = 36
MOST_SPARSE = 128
MOST_DENSE = 1_024


class Frame(NamedTuple):
    """One frame: its PDQ hash (32 bytes, of quality 50 and more) and its moment in ms."""

    pdq: bytes
    at: int


class Film(NamedTuple):
    """A film as it was looked at: its size in pixels, frames in the order of time, what was not."""

    width: int
    height: int
    frames: tuple[Frame, ...]
    unknown: str | None


def packed(frames: Iterable[Frame]) -> bytes:
    """Return frames as they are stored: 32 bytes of hash and 4 of the moment, one after another."""
    return b"".join(frame.pdq + frame.at.to_bytes(4) for frame in frames)


def unpacked(film: bytes) -> list[Frame]:
    """Return the frames that are stored so."""
    places = range(0, len(film), FRAME)
    return [Frame(film[at : at + 32], int.from_bytes(film[at + 32 : at + FRAME])) for at in places]


def thinned(frames: Iterable[Frame], most: int) -> list[Frame]:
    """Return at most so many frames in the order of time, evenly chosen; one for each moment."""
    ordered = sorted({frame.at: frame for frame in frames}.values(), key=lambda frame: frame.at)
    if len(ordered) <= most:
        return ordered
    return [ordered[place * len(ordered) // most] for place in range(most)]
