"""PDQ, the perceptual hash of pictures that lists are exchanged in (Meta, 2019).

The method is the published one: luminance, a tent filter made of two box passes each way, 64 x 64
samples, the 16 x 16 lowest frequencies of their cosine transform without the constant one, and a
bit for each that lies above the median. The filter and the sampling are linear and separable, so
only the 64 x 64 samples are computed, with weights that stand in a small table per picture size:
one multiply-add a pixel. How it is told to an engineer stands in `docs/hashing.md`.

Where two frequencies round the median lie too close to call, the reference program's own order of
sums is repeated, so that hashes of quality 50 and more equal the reference program's bit by bit.
`tests/signals/vectors/pdq.json` holds recorded ones.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openhaven.signals.hashes.loops import SIDE, across, gather, means, steps
from openhaven.signals.hashes.model import BYTES, MIN_QUALITY

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Waves = NDArray[np.float64]

MIN_SIDE = 5
KEPT = 16
ZERO = bytes(BYTES)
MEDIAN = KEPT * KEPT // 2 - 1  # the place of the lower median among the sorted frequencies
# Two frequencies nearer than this may have changed places by rounding in the reference program,
# which was seen 0.004 off at 1 Mpixel and 0.011 at 12. Larger pictures are not worth the time.
DOUBT = 0.01
DOUBT_PER_PIXEL = 0.002e-6
DOUBT_PIXELS = 24_000_000
# What must be done to stored pixels to see them upright, by the number that EXIF gives to it:
# reverse the rows, reverse the columns, then exchange rows and columns.
TURNS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (True, True, False),
    4: (True, False, False),
    5: (False, False, True),
    6: (True, False, True),
    7: (True, True, True),
    8: (False, True, True),
}


class Grid(NamedTuple):
    """A decoded picture: pixels (height, width) grey or (height, width, 3) RGB as stored.

    `turn` (1 to 8, as in EXIF) says how it is held to be seen. With `factor` k the pixels are means
    of k x k of a picture that has the size `full` (height, width).
    """

    pixels: Pixels
    turn: int = 1
    factor: int = 1
    full: tuple[int, int] = (0, 0)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the stored picture before it was reduced."""
        height, width = self.pixels.shape[:2]
        return (height, width) if self.factor == 1 else self.full


def pdq_of_array(pixels: Pixels) -> tuple[bytes, int]:
    """Return hash and quality of decoded pixels: (height, width) grey or (height, width, 3) RGB.

    A picture with a side under 5 pixels has the all-zero hash and quality 0, as in the reference.
    """
    return pdq_of(Grid(pixels))


def pdq_of(grid: Grid) -> tuple[bytes, int]:
    """Return the hash (32 bytes) and quality (0 to 100) of a picture as it is held."""
    if min(grid.size) < MIN_SIDE:
        return ZERO, 0
    waves, quality = _waves(grid)
    if quality >= MIN_QUALITY and _doubtful(waves, grid):
        waves = _reference_waves(grid)
    return _bits(waves), quality


def dihedral_of(grid: Grid) -> list[bytes]:
    """Return the hashes of the picture turned and mirrored in all eight ways, for the price of one.

    In the order of the reference: upright, turned left by 90, 180 and 270 degrees, mirrored top to
    bottom, left to right, and over its two diagonals.
    """
    if min(grid.size) < MIN_SIDE:
        return [ZERO] * 8
    waves, quality = _waves(grid)
    if quality >= MIN_QUALITY and any(_doubtful(one, grid) for one in _all_ways(waves)):
        waves = _reference_waves(grid)
    return [_bits(one) for one in _all_ways(waves)]


def _all_ways(waves: Waves) -> list[Waves]:
    """Mirroring changes the sign of every odd frequency; the first kept one is number 1."""
    odd = np.where(np.arange(KEPT) % 2 == 0, -1.0, 1.0)
    down, along = odd[:, None], odd[None, :]
    turned = waves.T
    return [
        waves,
        turned * down,
        waves * down * along,
        turned * along,
        waves * down,
        waves * along,
        turned,
        turned * down * along,
    ]


def _waves(grid: Grid) -> tuple[Waves, int]:
    samples = _samples(grid)
    cosines = _cosines().astype(np.float64)
    return cosines @ samples.astype(np.float64) @ cosines.T, _quality(samples)


def _samples(grid: Grid) -> Floats:
    """Return the 64 x 64 blurred samples of the luminance as it is seen, 0 to 255."""
    height, width = grid.size
    pixels = np.ascontiguousarray(grid.pixels)
    if pixels.shape[:2] != (-(-height // grid.factor), -(-width // grid.factor)):
        raise ValueError("the pixels do not have the size that was named")
    back, mirrored, exchanged = TURNS[grid.turn]
    colours = 1 if pixels.ndim == 2 else pixels.shape[2]
    lines = np.empty((SIDE, pixels.shape[1] * colours), np.float32)
    samples = np.empty((SIDE, SIDE), np.float32)
    gather(pixels.reshape(len(pixels), -1), *_tent(height, grid.factor, back), lines)
    across(lines, colours, *_tent(width, grid.factor, mirrored), samples)
    return np.ascontiguousarray(samples.T) if exchanged else samples


@lru_cache(maxsize=64)
def _tent(size: int, factor: int, mirrored: bool) -> tuple[NDArray[np.int64], Floats]:
    """Return where each of the 64 samples along a side begins to read, and its weights.

    Weights are (64, reach): two box passes of window ceil(size / 128) in one, box ends cut at the
    border as in the reference. They are summed over `factor` neighbours for a reduced picture.
    """
    behind, ahead = (_window(size) - 1) - _window(size) // 2, _window(size) // 2
    centres, here = _centres(size), np.arange(size)
    share = 1.0 / (np.minimum(here + ahead, size - 1) - np.maximum(here - behind, 0) + 1)
    summed = np.concatenate([[0.0], share.cumsum()])
    low, high = np.maximum(centres - behind, 0), np.minimum(centres + ahead, size - 1)
    begin, end = np.maximum(low - behind, 0), np.minimum(high + ahead, size - 1)
    if mirrored:
        begin, end = size - 1 - end, size - 1 - begin
    reach = int((end // factor - begin // factor).max()) + 1
    starts = np.minimum(begin // factor, -(-size // factor) - reach)
    at = starts[:, None] * factor + np.arange(reach * factor)
    at = size - 1 - at if mirrored else at
    # A pixel counts for every box of the second pass that it lies in and that the first one sees.
    since, until = np.maximum(low[:, None], at - ahead), np.minimum(high[:, None], at + behind)
    seen = (at >= 0) & (at < size) & (since <= until)
    since, until = since.clip(0, size), (until + 1).clip(0, size)
    weights = np.where(seen, (summed[until] - summed[since]) * share[centres][:, None], 0.0)
    return starts, weights.reshape(SIDE, reach, factor).sum(axis=2).astype(np.float32)


def _window(size: int) -> int:
    """Return the length of the box filter for a side of this many pixels."""
    return (size + 2 * SIDE - 1) // (2 * SIDE)


def _centres(size: int) -> NDArray[np.int64]:
    return ((np.arange(SIDE) + 0.5) * size / SIDE).astype(np.int64)


@lru_cache(maxsize=1)
def _cosines() -> Floats:
    """Return the 16 x 64 cosine transform of frequencies 1 to 16, rounded as the reference's."""
    angle = np.pi / 2 / SIDE * np.outer(np.arange(1, KEPT + 1), 2 * np.arange(SIDE) + 1)
    return np.asarray(np.float32(np.sqrt(2 / SIDE)) * np.cos(angle), np.float32)


def _quality(samples: Floats) -> int:
    """Return 0 to 100: how much the samples change, counting only steps of 1/100 of the range."""
    return min(int(steps(samples)) // 90, 100)


def _doubtful(waves: Waves, grid: Grid) -> bool:
    """Say whether rounding in the reference program may have decided a bit."""
    pixels = grid.size[0] * grid.size[1]
    if grid.factor > 1 or pixels > DOUBT_PIXELS:
        return False
    lower, upper = np.partition(waves.ravel(), [MEDIAN, MEDIAN + 1])[[MEDIAN, MEDIAN + 1]]
    return bool(upper - lower < DOUBT + DOUBT_PER_PIXEL * pixels)


def _bits(waves: Waves) -> bytes:
    """Return a bit per frequency above the (lower) median; the first frequency is the last bit."""
    flat = waves.ravel()
    return np.packbits((flat > np.partition(flat, MEDIAN)[MEDIAN])[::-1]).tobytes()


def _reference_waves(grid: Grid) -> Waves:
    """Return the 16 x 16 frequencies as the reference program's single precision gives them.

    Its running sums are repeated one by one, which takes some ten times the usual way.
    """
    luma = _luma(grid)
    height, width = luma.shape
    for _ in range(2):
        for top in range(0, height, SIDE):
            luma[top : top + SIDE] = _means(luma[top : top + SIDE].T, _window(width)).T
        for left in range(0, width, SIDE):
            luma[:, left : left + SIDE] = _means(luma[:, left : left + SIDE], _window(height))
    samples = luma[_centres(height)][:, _centres(width)]
    cosines = _cosines()
    half = _last_sum(cosines[:, None, :] * samples.T[None, :, :])
    return _last_sum(half[:, None, :] * cosines[None, :, :]).astype(np.float64)


def _means(lines: Floats, window: int) -> Floats:
    out = np.empty(lines.shape, np.float32)
    means(np.ascontiguousarray(lines), window, out)
    return out


def _luma(grid: Grid) -> Floats:
    """Return the luminance of every pixel as seen, rounded once as the reference's binding does."""
    pixels = grid.pixels
    luma = np.empty(pixels.shape[:2], np.float32)
    for top in range(0, len(pixels), SIDE):
        strip = pixels[top : top + SIDE]
        red, green, blue = (strip,) * 3 if strip.ndim == 2 else np.moveaxis(strip, 2, 0)
        luma[top : top + SIDE] = red * 0.299 + green * 0.587 + blue * 0.114
    back, mirrored, exchanged = TURNS[grid.turn]
    luma = luma[:: -1 if back else 1, :: -1 if mirrored else 1]
    return np.ascontiguousarray(luma.T if exchanged else luma)


def _last_sum(terms: Floats) -> Floats:
    """Return the sum along the last axis, added from left to right in single precision."""
    return np.asarray(np.cumsum(terms, axis=-1, dtype=np.float32)[..., -1])
