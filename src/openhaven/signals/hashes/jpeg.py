"""Ordinary JPEGs, decoded straight into pixels: three times as fast as Pillow, the same numbers.

What it refuses (damage, a file cut off, inks) is left to Pillow, which says what is wrong.
"""

import simplejpeg
from PIL import Image

from openhaven.signals.hashes.model import PIXELS
from openhaven.signals.hashes.perceptual import MIN_SIDE, Grid, Pixels

REDUCED_SIDE = 500
_PICTURE = 0xDA
# Kinds of segments that say nothing of how it was held or of what its colours mean (1 and 2 of the
# application's may). Whatever else stands there is left to a reader that knows more.
_HARMLESS = frozenset({*range(0xC0, 0xC8), 0xC4, 0xDB, 0xDD, 0xE0, *range(0xE3, 0xF0), 0xFE})


def factor_of(width: int, height: int) -> int:
    """Return by how much a JPEG may be reduced: 8, 4 or 2, leaving 500 pixels on the long side."""
    for factor in (8, 4, 2):
        if max(width, height) >= factor * REDUCED_SIDE and min(width, height) >= 64 * factor:
            return factor
    return 1


def bare_grid(image: bytes, *, exact: bool) -> Grid | None:
    """Return the grid of a JPEG that says nothing of how it is held or of its colours.

    None for any other file. This spares the reading of notes, which takes as long as hashing.
    """
    if not _is_bare(image):
        return None
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(image)
    except ValueError:
        return None
    if space not in ("YCbCr", "Gray", "RGB") or width * height > PIXELS:
        return None
    factor = 1 if exact else factor_of(width, height)
    pixels = _pixels(image, (width, height), "GRAY" if space == "Gray" else "RGB", factor)
    if pixels is None or min(width, height) < MIN_SIDE:
        return None
    return Grid(pixels, 1, factor, (height, width))


def _is_bare(image: bytes) -> bool:
    """Go from segment to segment up to the picture (ITU-T T.81, B.1.1) and look for notes."""
    at = 2
    if image[:2] != b"\xff\xd8":
        return False
    while image[at : at + 1] == b"\xff" and at + 4 <= len(image):
        if image[at + 1] == _PICTURE:
            return True
        if image[at + 1] not in _HARMLESS:
            return False
        at += 2 + int.from_bytes(image[at + 2 : at + 4], "big")
    return False


def pixels_of_jpeg(image: bytes, picture: Image.Image, factor: int = 1) -> Pixels | None:
    """Return the pixels of an opened picture, reduced by `factor`, or None if it is not for us."""
    if picture.format not in ("JPEG", "MPO") or picture.mode not in ("RGB", "L"):
        return None
    return _pixels(image, picture.size, "RGB" if picture.mode == "RGB" else "GRAY", factor)


def _pixels(image: bytes, size: tuple[int, int], colours: str, factor: int) -> Pixels | None:
    """Decode at 1/`factor` of the size; what is reduced is grey, since a hash needs no colours."""
    if factor > 1:
        colours = "GRAY"
    width, height = (-(-side // factor) for side in size)
    try:
        pixels: Pixels = simplejpeg.decode_jpeg(
            image, colours, min_height=height, min_width=width, min_factor=1
        )
    except ValueError:
        return None
    if pixels.shape[:2] != (height, width):
        return None
    return pixels[:, :, 0] if colours == "GRAY" else pixels
