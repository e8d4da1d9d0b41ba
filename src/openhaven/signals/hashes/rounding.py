"""The rounding of the PDQ reference program, repeated sum by sum, for the rare doubtful picture.

When two frequencies round the median lie closer together than single precision can tell, the
reference's answer depends on the order in which it adds. Here the additions are made in that same
order: running sums in single precision, one entering and one leaving the window at a time.
It costs some twenty times the usual way and is asked only when the usual way is in doubt.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

STRIP = 64
SIDE = 64


def reference_waves(luma: Floats, cosines: Floats) -> NDArray[np.float64]:
    """Return the 16 x 16 frequencies of a (height, width) luminance, 0 to 255; `luma` is reused.

    `cosines` is the 16 x 64 transform in single precision.
    """
    height, width = luma.shape
    for _ in range(2):
        for top in range(0, height, STRIP):
            luma[top : top + STRIP] = _box(luma[top : top + STRIP])
        for left in range(0, width, STRIP):
            luma[:, left : left + STRIP] = _box(luma[:, left : left + STRIP].T).T
    samples = luma[_centres(height)][:, _centres(width)]
    half = _last_sum(cosines[:, None, :] * samples.T[None, :, :])
    return _last_sum(half[:, None, :] * cosines[None, :, :]).astype(np.float64)


def _centres(size: int) -> NDArray[np.int64]:
    return ((np.arange(SIDE) + 0.5) * size / SIDE).astype(np.int64)


def _last_sum(terms: Floats) -> Floats:
    """Return the sum along the last axis, added from left to right in single precision."""
    return np.asarray(np.cumsum(terms, axis=-1, dtype=np.float32)[..., -1])


def _box(lines: Floats) -> Floats:
    """Return each line's running mean over a window of ceil(length / 128), cut at the border."""
    count, size = lines.shape
    window = (size + 2 * SIDE - 1) // (2 * SIDE)
    ahead = window // 2
    both = size - window
    steps = np.empty((count, size + both + ahead), np.float32)
    steps[:, :window] = lines[:, :window]
    steps[:, window : window + 2 * both : 2] = lines[:, window:]
    steps[:, window + 1 : window + 2 * both : 2] = -lines[:, :both]
    steps[:, window + 2 * both :] = -lines[:, both : both + ahead]
    sums = np.cumsum(steps, axis=1, dtype=np.float32)
    ends = np.concatenate(
        [
            np.arange(ahead, window),
            np.arange(window + 1, window + 2 * both, 2),
            np.arange(window + 2 * both, steps.shape[1]),
        ]
    )
    here = np.arange(size)
    first = np.maximum(here - (window - 1 - ahead), 0)
    widths = np.minimum(here + ahead, size - 1) - first + 1
    return np.asarray(sums[:, ends] / widths.astype(np.float32))
