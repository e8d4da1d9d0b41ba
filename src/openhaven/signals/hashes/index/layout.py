"""How 256 bits are cut into chunks that lie in a ring, and what has to be probed for a radius.

Give each chunk i a threshold t(i) so that the sum of t(i) + 1 is radius + 1. If two hashes differ
in at most `radius` bits, the differences d(i) minus t(i) + 1 sum to less than nothing, so round the
ring there is a chunk from which *every* run of chunks stays below nothing: d(i) <= t(i), and
d(i) + d(i+1) <= t(i) + t(i+1) + 1, and so on (Qin and Xiao, "Pigeonring", VLDB 2018). The first is
looked up, with all masks of up to t(i) bits; the second is asked of the sketch beside each posting.
"""

from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BITS = 256
SKETCH = 16
WIDEST_RADIUS = 47  # above it nearly everything would be probed, so everything is scanned
SMALL, LARGE = 60_000, 36_000_000
FEWEST_CHUNKS, MOST_CHUNKS = 12, 32

# The columns of a plan's `ring`, one row a chunk.
START, WIDTH, OFFSET, NEXT, COVER, THRESHOLD, TOTAL, PROBE, PROBES = range(9)


class Layout(NamedTuple):
    """Chunks in ring order: first bit, width, place of its offsets, and the bits of its sketch."""

    starts: tuple[int, ...]
    widths: tuple[int, ...]
    offsets: tuple[int, ...]
    covers: tuple[int, ...]

    @property
    def chunks(self) -> int:
        """Return the number of chunks."""
        return len(self.widths)

    @property
    def buckets(self) -> int:
        """Return the length of all offsets together: a chunk has 2**width + 1."""
        return self.offsets[-1] + (1 << self.widths[-1]) + 1


class Plan(NamedTuple):
    """What to probe for one radius: `ring` a row a chunk, the others one value a probe."""

    ring: NDArray[np.int64]
    chunk: NDArray[np.int64]
    mask: NDArray[np.int64]
    limit: NDArray[np.int64]


def chunks_for(count: int) -> int:
    """Return the number of chunks that suits an index of this many hashes."""
    if count <= SMALL:
        return MOST_CHUNKS
    return 16 if count <= LARGE else FEWEST_CHUNKS


@lru_cache(maxsize=16)
def layout(chunks: int) -> Layout:
    """Return the layout with this many chunks, 12 to 32, as even as 256 bits allow.

    A sketch holds the chunks that follow as far as they fit whole into 16 bits, but at least the
    first 16 bits of the next one: fewer bits than a run may differ in can only let more through.
    """
    if not FEWEST_CHUNKS <= chunks <= MOST_CHUNKS:
        raise ValueError(f"an index has {FEWEST_CHUNKS} to {MOST_CHUNKS} chunks, not {chunks}")
    widths = tuple(BITS // chunks + one for one in _spread(BITS % chunks, chunks))
    starts = tuple(sum(widths[:chunk]) for chunk in range(chunks))
    sizes = [(1 << width) + 1 for width in widths]
    offsets = tuple(sum(sizes[:chunk]) for chunk in range(chunks))
    covers = tuple(_cover(widths, chunk)[0] for chunk in range(chunks))
    return Layout(starts, widths, offsets, covers)


@lru_cache(maxsize=128)
def plan(chunks: int, radius: int) -> Plan:
    """Return what an index with this many chunks probes for `radius` 0 to 47."""
    if not 0 <= radius <= WIDEST_RADIUS:
        raise ValueError(f"a radius is 0 to {WIDEST_RADIUS}, not {radius}")
    shape = layout(chunks)
    share, rest = divmod(radius + 1, chunks)
    thresholds = [share - 1 + one for one in _spread(rest, chunks)]
    ring = np.zeros((chunks, PROBES + 1), np.int64)
    probes: list[tuple[int, int, int]] = []
    for chunk, threshold in enumerate(thresholds):
        run = _cover(shape.widths, chunk)[1]
        total = sum(thresholds[(chunk + step) % chunks] + 1 for step in range(run + 1)) - 1
        masks = _masks(shape.widths[chunk], threshold)
        ring[chunk] = (
            shape.starts[chunk],
            shape.widths[chunk],
            shape.offsets[chunk],
            (shape.starts[chunk] + shape.widths[chunk]) % BITS,
            shape.covers[chunk],
            threshold,
            total,
            len(probes),
            len(masks),
        )
        probes += [(chunk, mask, total - mask.bit_count()) for mask in masks]
    columns = np.array(probes, np.int64).T.copy()
    for one in (ring, columns):
        one.flags.writeable = False
    return Plan(ring, columns[0], columns[1], columns[2])


def _spread(ones: int, places: int) -> list[int]:
    """Return `ones` ones among zeros, as evenly as can be."""
    return [int(place * ones % places < ones) for place in range(places)]


def _cover(widths: tuple[int, ...], chunk: int) -> tuple[int, int]:
    """Return how many bits a chunk's sketch has, and how many of the next chunks it speaks of."""
    bits, run = 0, 0
    while (width := widths[(chunk + run + 1) % len(widths)]) + bits <= SKETCH:
        bits, run = bits + width, run + 1
    return (bits, run) if run else (SKETCH, 1)


def _masks(width: int, threshold: int) -> list[int]:
    """Return every mask of at most `threshold` of `width` bits, fewest bits first."""
    return [
        sum(1 << place for place in places)
        for weight in range(threshold + 1)
        for places in combinations(range(width), weight)
    ]
