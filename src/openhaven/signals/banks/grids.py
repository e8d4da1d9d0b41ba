"""Perceptual hashes as people can see them: 16 by 16 squares, and where two of them differ."""

from typing import NamedTuple

SIDE = 16


class Grids(NamedTuple):
    """SVG paths on 16 by 16 units: of both hashes, what they share, and what one alone has."""

    ours: str
    theirs: str
    both: str
    only_ours: str
    only_theirs: str
    distance: int


def path(number: int) -> str:
    """Return the SVG path of the bits of a 256-bit number, a box for each run in a row.

    The lowest bit stands at the top left: coarse shapes are near it, fine ones far from it.
    """
    boxes = []
    for row in range(SIDE):
        bits = number >> row * SIDE & 0xFFFF
        column = 0
        while bits >> column:
            column += ((bits >> column) & -(bits >> column)).bit_length() - 1
            run = (~(bits >> column) & (bits >> column) + 1).bit_length() - 1
            boxes.append(f"M{column} {row}h{run}v1h-{run}z")
            column += run
    return "".join(boxes)


def diamonds(number: int) -> str:
    """Return the SVG path of a diamond for each bit, so that colour alone need not tell."""
    places = (place for place in range(SIDE * SIDE) if number >> place & 1)
    return "".join(f"M{place % SIDE}.5 {place // SIDE}l.5 .5l-.5 .5l-.5-.5z" for place in places)


def grids(ours: bytes, theirs: bytes) -> Grids:
    """Return the drawings of a piece of media's hash and of an entry's, 32 bytes each."""
    one, other = int.from_bytes(ours), int.from_bytes(theirs)
    return Grids(
        path(one), path(other), path(one & other), path(one & ~other), diamonds(other & ~one),
        (one ^ other).bit_count(),
    )  # fmt: skip


def drawn(value: bytes) -> str:
    """Return the drawing of one hash of 32 bytes."""
    return path(int.from_bytes(value))


def in_words(distance: int, radius: int) -> str:
    """Say how near two perceptual hashes are, for somebody who never heard of bits."""
    if distance == 0:
        return "The two hashes are the same: almost surely the same picture."
    bits = f"{distance} of 256 squares differ"
    if distance <= 10:
        return f"{bits}: almost surely the same picture, saved anew or made smaller."
    if distance <= 20:
        return f"{bits}: most likely the same picture, changed a little."
    if distance <= radius:
        return f"{bits}: alike, and within the bank's limit of {radius}. Look closely."
    return f"{bits}: beyond the bank's limit of {radius}. As the bank is now, it would not match."
