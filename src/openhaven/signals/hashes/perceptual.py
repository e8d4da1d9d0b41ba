"""PDQ, the perceptual hash of pictures that lists are exchanged in (Meta, 2019), in numpy.

The method is the published one: luminance, a tent filter made of two box passes each way, 64 x 64
samples, the 16 x 16 lowest frequencies of their cosine transform without the constant one, and a
bit for each that lies above the median. The filter and the sampling are linear and separable, so
only the 64 x 64 samples are computed, with weights that stand in a small table per picture size.

Where two frequencies round the median lie too close to call, the reference's own order of sums is
repeated (`rounding.py`), so that hashes of quality 50 and more equal the reference program's bit by
bit. `tests/signals/vectors/pdq.json` holds recorded ones.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from openhaven.signals.hashes.rounding import reference_waves

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

BYTES = 32
MIN_SIDE = 5
SIDE = 64
KEPT = 16
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
ZERO = bytes(BYTES)
MEDIAN = KEPT * KEPT // 2 - 1  # the place of the lower median among the sorted frequencies
MIN_QUALITY = 50  # below it the published advice is not to use a hash at all
# Two frequencies nearer than this may have changed places by rounding in the reference program,
# which was seen 0.004 off at 1 Mpixel and 0.011 at 12. Larger pictures are not worth the time.
DOUBT = 0.01
DOUBT_PER_PIXEL = 0.002e-6
DOUBT_PIXELS = 16_000_000


def pdq_of_array(pixels: Pixels) -> tuple[bytes, int]:
    """Return hash and quality of decoded pixels: (height, width) grey or (height, width, 3) RGB.

    A picture with a side under 5 pixels has the all-zero hash and quality 0, as in the reference.
    """
    height, width = pixels.shape[:2]
    return pdq_of_rows(lambda top, end: pixels[top:end], height, width)


def pdq_of_rows(
    rows: Callable[[int, int], Pixels], height: int, width: int, factor: int = 1
) -> tuple[bytes, int]:
    """Return hash and quality of a picture that is handed out in strips of rows.

    `rows(top, end)` gives those rows as in `pdq_of_array`; about 1/32 of the picture is asked for
    at a time, so no second copy of it is held. With `factor` k, `height` and `width` are the full
    size and `rows` speaks of the picture whose pixels are means of k x k of the full one.
    """
    if min(height, width) < MIN_SIDE:
        return ZERO, 0
    samples = _samples(rows, height, width, factor)
    quality = _quality(samples)
    cosines = _cosines().astype(np.float64)
    waves = cosines @ samples.astype(np.float64) @ cosines.T
    lower, upper = np.partition(waves.ravel(), [MEDIAN, MEDIAN + 1])[[MEDIAN, MEDIAN + 1]]
    doubtful = (
        upper - lower < DOUBT + DOUBT_PER_PIXEL * height * width
        and quality >= MIN_QUALITY
        and factor == 1
    )
    if doubtful and height * width <= DOUBT_PIXELS:
        waves = reference_waves(_luma(rows, height, width), _cosines())
    return _bits(waves), quality


def _luma(rows: Callable[[int, int], Pixels], height: int, width: int) -> Floats:
    """Return the luminance of every pixel, rounded once as the reference's binding does."""
    luma = np.empty((height, width), np.float32)
    for top in range(0, height, SIDE):
        strip = rows(top, min(top + SIDE, height))
        red, green, blue = (strip,) * 3 if strip.ndim == 2 else np.moveaxis(strip, 2, 0)
        luma[top : top + SIDE] = red * 0.299 + green * 0.587 + blue * 0.114
    return luma


def _samples(rows: Callable[[int, int], Pixels], height: int, width: int, factor: int) -> Floats:
    """Return the 64 x 64 blurred samples of the luminance, 0 to 255."""
    starts, weights = _tent(height, factor)
    across = _dense(width, factor)
    lines = np.empty((SIDE, across.shape[0]), np.float32)
    reach = weights.shape[1]
    for line, start in enumerate(starts.tolist()):
        strip = rows(start, start + reach)
        blurred = weights[line] @ strip.reshape(reach, -1).astype(np.float32)
        lines[line] = blurred if strip.ndim == 2 else blurred.reshape(-1, 3) @ LUMA
    return lines @ across


@lru_cache(maxsize=64)
def _tent(size: int, factor: int) -> tuple[NDArray[np.int64], Floats]:
    """Return where each of the 64 samples along a side begins to read, and its weights.

    Weights are (64, reach): two box passes of window ceil(size / 128) in one, box ends cut at the
    border as in the reference. They are summed over `factor` neighbours for a reduced picture.
    """
    window = (size + 2 * SIDE - 1) // (2 * SIDE)
    here = np.arange(size)
    first = np.maximum(here - (window - 1 - window // 2), 0)
    last = np.minimum(here + window // 2, size - 1)
    share = 1.0 / (last - first + 1)
    centres = ((np.arange(SIDE) + 0.5) * size / SIDE).astype(np.int64)
    table = np.zeros((SIDE, size + 1))
    for sample, centre in enumerate(centres.tolist()):
        near = slice(int(first[centre]), int(last[centre]) + 1)
        np.add.at(table[sample], first[near], share[near] * share[centre])
        np.add.at(table[sample], last[near] + 1, -share[near] * share[centre])
    full = table.cumsum(axis=1)[:, :size]
    if factor > 1:
        full = np.add.reduceat(full, np.arange(0, size, factor), axis=1)
    return _banded(full, first[first[centres]] // factor, last[last[centres]] // factor)


def _banded(
    full: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Floats]:
    reach = int((last - first).max()) + 1
    starts = np.minimum(first, full.shape[1] - reach)
    columns = starts[:, None] + np.arange(reach)
    return starts, np.take_along_axis(full, columns, axis=1).astype(np.float32)


@lru_cache(maxsize=16)
def _dense(size: int, factor: int) -> Floats:
    """Return the same weights as a (size / factor, 64) matrix to multiply lines with."""
    starts, weights = _tent(size, factor)
    matrix = np.zeros((SIDE, -(-size // factor)), np.float32)
    np.put_along_axis(matrix, starts[:, None] + np.arange(weights.shape[1]), weights, axis=1)
    return np.ascontiguousarray(matrix.T)


@lru_cache(maxsize=1)
def _cosines() -> Floats:
    """Return the 16 x 64 cosine transform of frequencies 1 to 16, rounded as the reference's."""
    angle = np.pi / 2 / SIDE * np.outer(np.arange(1, KEPT + 1), 2 * np.arange(SIDE) + 1)
    return np.asarray(np.float32(np.sqrt(2 / SIDE)) * np.cos(angle), np.float32)


def _quality(samples: Floats) -> int:
    """Return 0 to 100: how much the samples change, counting only steps of 1/100 of the range."""
    steps = [np.diff(samples, axis=axis) * np.float32(100) / np.float32(255) for axis in (0, 1)]
    total = sum(int(np.abs(np.trunc(step)).sum()) for step in steps)
    return min(total // 90, 100)


def _bits(waves: NDArray[np.float64]) -> bytes:
    """Return a bit per frequency above the (lower) median; the first frequency is the last bit."""
    flat = waves.ravel()
    return np.packbits((flat > np.partition(flat, MEDIAN)[MEDIAN])[::-1]).tobytes()
