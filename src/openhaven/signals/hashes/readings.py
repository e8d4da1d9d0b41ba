"""All the ways in which one picture is read, each as a hash: as seen, and as other programs see it.

People see one picture; lists were made by programs that read files in their own ways. A picture is
therefore looked up under every reading that gives it other pixels.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from openhaven.signals.hashes.loops import plain_rows
from openhaven.signals.hashes.model import MIN_QUALITY, MOST_READINGS, Read, Reading
from openhaven.signals.hashes.perceptual import Grid, Pixels, pdq_of
from openhaven.signals.hashes.seeing import in_colours, is_clear, managed

STRIP = 1 << 22  # bytes that are copied out of an image at a time, so that no second copy is held
PATCH = 256
SAME = 4
BAR_NOISE = 24  # what a JPEG leaves of another colour in a bar of one
LEAST_BAR = 0.02
LEAST_INSIDE = 64


def pixels_of(image: Image.Image) -> Pixels:
    """Return the pixels of an `L` or `RGB` image: (height, width) or (height, width, 3)."""
    width, height = image.size
    out = np.empty((height, width) if image.mode == "L" else (height, width, 3), np.uint8)
    step = max(STRIP // (4 * width), 1)
    for top in range(0, height, step):
        end = min(top + step, height)
        out[top:end] = np.asarray(image.crop((0, top, width, end)))
    return out


def of_pixels(picture: Image.Image, pixels: Pixels, turn: int) -> Iterator[Reading]:
    """Yield the readings of plain decoded `pixels`; `picture` is the file that they came from."""
    seen = pixels
    if picture.info.get("icc_profile") and _matters(picture, pixels):
        shown = managed(picture, Image.fromarray(pixels))
        seen = pixels if shown is None else pixels_of(shown)
    yield reading("white", Grid(seen, turn))
    if turn != 1 or seen is not pixels:
        yield reading("plain", Grid(pixels))
    yield from _inside(seen, turn)


def of_image(picture: Image.Image, turn: int) -> Iterator[Reading]:
    """Yield the readings of a picture of any kind that Pillow has loaded."""
    if picture.mode in ("RGB", "L") and not {"transparency", "gamma"} & picture.info.keys():
        yield from of_pixels(picture, pixels_of(picture), turn)
        return
    seen = pixels_of(in_colours(picture))
    yield reading("white", Grid(seen, turn))
    if clear := is_clear(picture):
        yield reading("black", Grid(pixels_of(in_colours(picture, "black")), turn))
    if clear or turn != 1 or picture.mode not in ("1", "P"):
        yield reading("plain", Grid(pixels_of(picture.convert("RGB"))))
    if picture.mode in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
        yield reading("stored", Grid(_stored(picture)))
    yield from _inside(seen, turn)


def reading(read: Read, grid: Grid) -> Reading:
    """Return the hash of a grid as a reading, whatever its quality."""
    return Reading(read, *pdq_of(grid))


def kept(found: list[Reading]) -> tuple[Reading, tuple[Reading, ...]]:
    """Return the main reading, and the others that add something to look up.

    The main one is the first that is good enough to be compared, or the best. There is at least one
    in `found`; at most 15 others are returned.
    """
    usable = [one for one in found if one.quality >= MIN_QUALITY]
    main = usable[0] if usable else max(found, key=lambda one: one.quality)
    others = {one.pdq: one for one in reversed(usable) if one.pdq != main.pdq}
    return main, tuple(list(reversed(others.values()))[: MOST_READINGS - 1])


def _matters(picture: Image.Image, pixels: Pixels) -> bool:
    """Say whether the colour profile changes the hash, judged by a small patchwork of pixels."""
    height, width = pixels.shape[:2]
    patch = np.ascontiguousarray(pixels[:: height // PATCH + 1, :: width // PATCH + 1])
    shown = managed(picture, Image.fromarray(patch))
    if shown is None:
        return False
    one, other = pdq_of(Grid(patch))[0], pdq_of(Grid(pixels_of(shown)))[0]
    return distance(one, other) > SAME


def _stored(picture: Image.Image) -> Pixels:
    """Return the numbers in the file as if they were grey or red, green and blue."""
    values = np.asarray(picture)
    return np.ascontiguousarray(values if values.ndim == 2 else values[:, :, :3])


def _inside(pixels: Pixels, turn: int) -> Iterator[Reading]:
    """Yield the reading without bars of one colour at the edges, if there are any."""
    height, width = pixels.shape[:2]
    top, bottom = _bars(pixels)
    if top == height:
        return
    between = pixels[top : height - bottom]
    left, right = _bars(between.swapaxes(0, 1))
    inside = between[:, left : width - right]
    if min(inside.shape[:2]) < LEAST_INSIDE:
        return
    if top + bottom > height * LEAST_BAR or left + right > width * LEAST_BAR:
        yield reading("inside", Grid(np.ascontiguousarray(inside), turn))


def _bars(pixels: Pixels) -> tuple[int, int]:
    deep: NDArray[np.uint8] = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return plain_rows(deep, BAR_NOISE), plain_rows(deep[::-1], BAR_NOISE)


def distance(one: bytes, other: bytes) -> int:
    """Return in how many of 256 bits two hashes differ."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()
