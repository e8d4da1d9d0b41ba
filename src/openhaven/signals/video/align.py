"""Which part of one film is part of another: frames that look alike, in the same order and pace.

One frame that looks alike says little: titles and empty rooms do. A run of them, each later than
the one before in both films and by about as much, says that it is the same film.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

PACE = 0.1  # by how much one film may be faster
SLACK = 2_500  # ms; the bank side has a frame every second
GAP = 15_000  # ms; a longer pause in a run begins another part of it
MOST = 500


class Sight(NamedTuple):
    """A frame of a film (`asked`, ms) that looks like one of another (`known`, ms)."""

    asked: int
    known: int
    distance: int


class Part(NamedTuple):
    """A stretch of one film that is a stretch of another; all in ms."""

    asked_from: int
    asked_to: int
    known_from: int
    known_to: int


def aligned(sights: Iterable[Sight]) -> list[Sight]:
    """Return the longest run, and of those as long the nearest; at most 500 sights are looked at.

    In a run each sight is later than the one before in both films, and the time between the two is
    the same to a tenth and 2.5 seconds.
    """
    nearest = sorted(set(sights), key=lambda one: (one.distance, one.asked, one.known))[:MOST]
    rows = sorted(nearest, key=lambda one: (one.asked, one.known))
    if not rows:
        return []
    asked, known, far = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    # A run counts 1,000 a frame, less its distances: so length comes first.
    best = 1_000 - far
    before = np.full(len(rows), -1)
    for place in range(1, len(rows)):
        later, moved = asked[place] - asked[:place], known[place] - known[:place]
        fits = (later > 0) & (moved > 0) & (np.abs(moved - later) <= SLACK + PACE * later)
        if not fits.any():
            continue
        came = int(np.argmax(np.where(fits, best[:place], -1)))
        before[place] = came
        best[place] += best[came]
    run, place = [], int(np.argmax(best))
    while place >= 0:
        run.append(rows[place])
        place = int(before[place])
    return run[::-1]


def parts(run: list[Sight]) -> list[Part]:
    """Return the stretches of a run, parted where nothing was alike for 15 seconds."""
    if not run:
        return []
    begins = [0, *(place for place, (one, other) in enumerate(pairwise(run), 1)
                   if other.asked - one.asked > GAP)]  # fmt: skip
    found = []
    for begin, end in pairwise([*begins, len(run)]):
        first, last = run[begin], run[end - 1]
        found.append(Part(first.asked, last.asked, first.known, last.known))
    return found


def share(found: list[Part], begin: int, end: int) -> float:
    """Return how much of a film (from `begin` to `end`, ms) the parts cover, 0 to 1."""
    covered = sum(part.asked_to - part.asked_from for part in found)
    if end <= begin:
        return 1.0 if found else 0.0
    return min(covered / (end - begin), 1.0)
