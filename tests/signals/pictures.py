"""Benign pictures made by whole-number arithmetic, so that they are the same on every machine."""

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def make(recipe: str, seed: int, height: int, width: int) -> Pixels:
    """Return (height, width, 3) RGB pixels of one of the kinds below; `grey` has no colour axis."""
    random = np.random.default_rng(seed)
    return np.ascontiguousarray(_RECIPES[recipe](random, height, width), np.uint8)


def _field(random: np.random.Generator, height: int, width: int) -> NDArray[Any]:
    """Soft clouds: a coarse grid of colours with straight lines between them."""
    side = int(random.integers(4, 24))
    grid = random.integers(0, 256, (side, side, 3))
    down, across = (np.arange(size) * (side - 1) * 256 // max(size, 1) for size in (height, width))
    top, left = down // 256, across // 256
    low, near = (down % 256)[:, None, None], (across % 256)[None, :, None]
    upper = grid[top][:, left] * (256 - near) + grid[top][:, left + 1] * near
    lower = grid[top + 1][:, left] * (256 - near) + grid[top + 1][:, left + 1] * near
    return (upper * (256 - low) + lower * low) >> 16


def _noise(random: np.random.Generator, height: int, width: int) -> NDArray[Any]:
    return random.integers(0, 256, (height, width, 3))


def _gradient(random: np.random.Generator, height: int, width: int) -> NDArray[Any]:
    down, across = np.arange(height)[:, None], np.arange(width)[None, :]
    tilt = int(random.integers(1, 5))
    levels = (down * 255 // max(height - 1, 1) * tilt + across * 255 // max(width - 1, 1)) // (
        tilt + 1
    )
    return np.stack([levels, 255 - levels, levels // 2], axis=2)


def _shapes(random: np.random.Generator, height: int, width: int) -> NDArray[Any]:
    """Discs and boxes of plain colours, one over the other."""
    pixels = np.full((height, width, 3), random.integers(0, 256, 3))
    down, across = np.arange(height)[:, None], np.arange(width)[None, :]
    for _ in range(24):
        y, x = random.integers(0, height), random.integers(0, width)
        reach = int(random.integers(1, max(min(height, width) // 3, 2)))
        if random.integers(0, 2):
            inside = (down - y) ** 2 + (across - x) ** 2 <= reach * reach
        else:
            inside = (abs(down - y) <= reach) & (abs(across - x) <= reach // 2)
        pixels[inside] = random.integers(0, 256, 3)
    return pixels


def _page(random: np.random.Generator, height: int, width: int) -> NDArray[Any]:
    """Something like a page of text: dark strokes in lines on a light ground."""
    pixels = np.full((height, width, 3), 245)
    line = max(height // 24, 2)
    for top in range(line, height - line, 2 * line):
        at = line
        while at < width - line:
            long = int(random.integers(1, line + 1))
            pixels[top : top + line, at : at + long] = random.integers(0, 90)
            at += long + int(random.integers(1, line + 1))
    return pixels


def _flat(random: np.random.Generator, height: int, width: int) -> NDArray[Any]:
    return np.full((height, width, 3), random.integers(0, 256, 3))


def _grey(random: np.random.Generator, height: int, width: int) -> NDArray[Any]:
    return _field(random, height, width)[:, :, 0]


_RECIPES = {
    "field": _field,
    "noise": _noise,
    "gradient": _gradient,
    "shapes": _shapes,
    "page": _page,
    "flat": _flat,
    "grey": _grey,
}


def picture(height: int = 480, width: int = 640, seed: int = 7) -> Image.Image:
    """Return a detailed RGB picture."""
    return Image.fromarray(_pixels(seed, height, width))


@lru_cache(maxsize=16)
def _pixels(seed: int, height: int, width: int) -> Pixels:
    return make("shapes", seed, height, width)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """Return the picture as a file of this form."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def distance(one: bytes | None, other: bytes | None) -> int:
    """Return the number of different bits; 256 when one of the hashes is missing."""
    if one is None or other is None:
        return 256
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()
