"""The compiled loops over pixels: the one multiply-add a pixel that PDQ needs, and bars at edges.

They are compiled when this file is imported, or read from a cache on disk, for the only types that
they are ever given, so that nothing is compiled in a process that may no longer open files. They
run without the interpreter's lock.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba import types

F = TypeVar("F", bound=Callable[..., Any])

SIDE = 64
BLOCK = 2048  # bytes of a row that are summed at a time, so that the sums stay in the first cache

_ROWS = types.Array(types.uint8, 2, "C", readonly=True)  # others than readers fit as well
_PICTURE = types.Array(types.uint8, 3, "A", readonly=True)
_FLOATS = types.float32[:, ::1]
_PLACES = types.int64[::1]

_PERCENT, _RANGE = np.float32(100), np.float32(255)
_RED, _GREEN, _BLUE = np.float32(0.299), np.float32(0.587), np.float32(0.114)


def compiled(*given: Any, back: Any = types.void) -> Callable[[F], F]:
    """Return what compiles a function for these types now, or reads it from disk."""

    signature = back(*given)

    def compile_(function: F) -> F:
        options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
        try:
            return cast(F, numba.njit(signature, cache=True, **options)(function))
        except RuntimeError:  # there is no place to keep anything
            return cast(F, numba.njit(signature, **options)(function))

    return compile_


@compiled(_ROWS, _PLACES, _FLOATS, _FLOATS)
def gather(pixels: Any, starts: Any, weights: Any, lines: Any) -> None:
    """Sum weighted rows: `lines[i] = sum over r of weights[i, r] * pixels[starts[i] + r]`.

    `pixels` is (height, bytes of a row); four rows are taken at a time to spare the sums' traffic.
    """
    across, reach = pixels.shape[1], weights.shape[1]
    for line in range(SIDE):
        for left in range(0, across, BLOCK):
            right = min(left + BLOCK, across)
            sums = lines[line, left:right]
            for x in range(right - left):
                sums[x] = np.float32(0)
            row = 0
            while row + 4 <= reach:
                here = starts[line] + row
                a, b = weights[line, row], weights[line, row + 1]
                c, d = weights[line, row + 2], weights[line, row + 3]
                one, two = pixels[here, left:right], pixels[here + 1, left:right]
                three, four = pixels[here + 2, left:right], pixels[here + 3, left:right]
                for x in range(right - left):
                    sums[x] += (a * np.float32(one[x]) + b * np.float32(two[x])) + (
                        c * np.float32(three[x]) + d * np.float32(four[x])
                    )
                row += 4
            while row < reach:
                last, weight = pixels[starts[line] + row, left:right], weights[line, row]
                for x in range(right - left):
                    sums[x] += weight * np.float32(last[x])
                row += 1


@compiled(_FLOATS, types.int64, _PLACES, _FLOATS, _FLOATS)
def across(lines: Any, colours: Any, starts: Any, weights: Any, samples: Any) -> None:
    """Do the same along each line, once its colours (3, or 1) became luminance.

    `samples` is 64 x 64, a row for each line.
    """
    reach = weights.shape[1]
    luma = np.empty(lines.shape[1] // colours, np.float32)
    for line in range(SIDE):
        row = lines[line]
        for x in range(luma.size):
            if colours == 1:
                luma[x] = row[x]
            else:
                luma[x] = row[3 * x] * _RED + row[3 * x + 1] * _GREEN + row[3 * x + 2] * _BLUE
        for sample in range(SIDE):
            start = starts[sample]
            total = np.float32(0)
            for x in range(reach):
                total += weights[sample, x] * luma[start + x]
            samples[line, sample] = total


@compiled(_FLOATS, back=types.int64)
def steps(samples: Any) -> Any:
    """Return the sum of all steps between neighbours, each in whole hundredths of the range."""
    total = 0
    for y in range(SIDE):
        for x in range(SIDE):
            if y > 0:
                total += abs(int((samples[y, x] - samples[y - 1, x]) * _PERCENT / _RANGE))
            if x > 0:
                total += abs(int((samples[y, x] - samples[y, x - 1]) * _PERCENT / _RANGE))
    return total


@compiled(_FLOATS, types.int64, _FLOATS)
def means(lines: Any, window: Any, out: Any) -> None:
    """Write the running mean down each column of `lines`, its window cut at the border, into `out`.

    The additions are made one by one in the order of the PDQ reference program, in single
    precision, so that they are rounded as there.
    """
    size, count = lines.shape
    sums = np.zeros(count, np.float32)
    inside = 0
    for step in range(size + window // 2):
        if step < size:
            for x in range(count):
                sums[x] += lines[step, x]
            inside += 1
        if step >= window:
            for x in range(count):
                sums[x] -= lines[step - window, x]
            inside -= 1
        if step >= window // 2:
            for x in range(count):
                out[step - window // 2, x] = sums[x] / np.float32(inside)


@numba.njit(error_model="numpy")
def _bright(pixels: Any, y: Any, x: Any) -> Any:
    """Return the luminance of a pixel, 0 to 255, in whole numbers."""
    if pixels.shape[2] == 1:
        return np.int64(pixels[y, x, 0])
    red, green, blue = pixels[y, x, 0], pixels[y, x, 1], pixels[y, x, 2]
    return (np.int64(red) * 77 + np.int64(green) * 150 + np.int64(blue) * 29) >> 8


@compiled(_PICTURE, types.int64, back=types.int64)
def plain_rows(pixels: Any, most: Any) -> Any:
    """Return how many rows from the first on are as bright as the first pixel, give or take `most`.

    `pixels` is (height, width, colours). One pixel in 64 may be brighter or darker, as at the edge
    of a bar in a JPEG.
    """
    height, width, _ = pixels.shape
    first = _bright(pixels, 0, 0)
    for y in range(height):
        left = width // 64
        for x in range(width):
            if abs(_bright(pixels, y, x) - first) > most:
                left -= 1
                if left < 0:
                    return y
    return height
