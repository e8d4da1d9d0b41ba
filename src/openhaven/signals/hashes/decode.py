"""Encoded pictures opened with care, and hashed in every way in which they are read.

Runs in the decoder's own process for bytes that came from strangers. What a viewer makes of a file
stands in `seeing`, the readings in `readings`, later frames in `film`.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from PIL import AvifImagePlugin, Image, ImageFile

from openhaven.signals.hashes.film import MOVING, later_frames
from openhaven.signals.hashes.jpeg import bare_grid, factor_of, pixels_of_jpeg
from openhaven.signals.hashes.model import MOST_READINGS, PIXELS, Reading
from openhaven.signals.hashes.perceptual import MIN_SIDE, Grid, dihedral_of, pdq_of
from openhaven.signals.hashes.readings import kept, of_image, of_pixels, pixels_of
from openhaven.signals.hashes.seeing import as_seen, turn_of
from openhaven.signals.hashes.sniff import sniff

TOO_LARGE = f"the picture has more than {PIXELS // 1_000_000} million pixels"
TOO_SMALL = "the picture is too small for a perceptual hash"
CUT_OFF = "the picture is cut off"
FORMATS = {
    "image/avif": "AVIF",
    "image/bmp": "BMP",
    "image/gif": "GIF",
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/tiff": "TIFF",
    "image/webp": "WEBP",
}
# Sizes are checked here before anything is decoded, so Pillow need not warn as well.
Image.MAX_IMAGE_PIXELS = None
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


class UndecodableError(Exception):
    """A picture that cannot be shown; the message is one plain clause for a person."""


class Look(NamedTuple):
    """A picture as seen: its size in pixels upright, its main reading, the others to look up.

    `unknown` says in plain words what was left out, if anything was.
    """

    width: int
    height: int
    main: Reading
    others: tuple[Reading, ...]
    unknown: str | None


def pdq(image: bytes, exact: bool = True) -> tuple[bytes, int]:
    """Return the 32-byte PDQ hash and its quality, 0 to 100, of an encoded picture as seen.

    `exact=False` lets a large JPEG be decoded in grey at a half to an eighth of its size; the hash
    then differs in a few bits of 256. Raises `UndecodableError`. The bytes are decoded in this
    process and without a limit on time: bytes from a stranger go through `MediaHasher`, which is
    isolated.
    """
    bare = bare_grid(image, exact=exact)
    if bare is not None:
        return pdq_of(bare)
    if exact:
        main = look(image).main
        return main.pdq, main.quality
    return pdq_of(_grid(image, exact=False))


def pdq_dihedral(image: bytes) -> list[bytes]:
    """Return the hashes (32 bytes each) of a picture turned and mirrored in all eight ways.

    They cost as much as one. The order is that of the reference program: as seen, turned left by
    90, 180 and 270 degrees, mirrored top to bottom, left to right, and over its two diagonals.
    Raises `UndecodableError`; bytes from a stranger are not for this function, as for `pdq`.
    """
    return dihedral_of(bare_grid(image, exact=True) or _grid(image))


def look(image: bytes) -> Look:
    """Decode a picture and hash it in every way it is read. Raises `UndecodableError`."""
    with opened(image) as picture:
        width, height = picture.size
        if min(width, height) < MIN_SIDE:
            raise UndecodableError(TOO_SMALL)
        pixels, unknown = pixels_of_jpeg(image, picture), None
        if pixels is None:
            picture.load()  # a note on how it is turned may stand behind the picture
        turn = turn_of(picture)
        if pixels is None:
            found = list(of_image(picture, turn))
        else:
            found = list(of_pixels(picture, pixels, turn))
        if picture.format in MOVING:
            frames, unknown = later_frames(picture, turn, MOST_READINGS - len(found))
            found += frames
    main, others = kept(found)
    if turn > 4:
        width, height = height, width
    return Look(width, height, main, others, unknown)


def preview(image: bytes, max_px: int) -> bytes:
    """Return the first frame as a JPEG without metadata, its long side at most `max_px` pixels."""
    with opened(image) as picture:
        picture.draft(None, (2 * max_px, 2 * max_px))
        seen = as_seen(picture)
    seen.thumbnail((max_px, max_px))
    out = io.BytesIO()
    seen.save(out, "JPEG", quality=82)
    return out.getvalue()


def shown(image: bytes) -> Image.Image:
    """Return the first frame as people see it, upright, in red, green and blue."""
    with opened(image) as picture:
        return as_seen(picture).convert("RGB")


@contextmanager
def opened(image: bytes) -> Iterator[Image.Image]:
    """Open a picture by what its bytes say it is, with its size checked before any decoding.

    Whatever a decoder throws, here and inside the block, leaves as `UndecodableError`.
    """
    form = FORMATS.get(sniff(image))
    if form is None:
        raise UndecodableError("this kind of media is not decoded yet")
    try:
        with Image.open(io.BytesIO(image), formats=[form]) as picture:
            if picture.width * picture.height > PIXELS:
                raise UndecodableError(TOO_LARGE)
            yield picture
    except UndecodableError:
        raise
    except MemoryError:
        raise UndecodableError("decoding needs more memory than is allowed") from None
    except Exception as error:
        # Decoders throw some twenty kinds of error at broken files; each of them is this finding.
        raise UndecodableError(_reason(error)) from error


def _reason(error: Exception) -> str:
    words = str(error)
    if "truncated" in words or "Truncated" in words or isinstance(error, EOFError):
        return CUT_OFF
    return "the picture is damaged"


@contextmanager
def cut_off_allowed() -> Iterator[None]:
    """Within the block, a picture that ends too early is shown as far as it goes."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _grid(image: bytes, exact: bool = True) -> Grid:
    """Return the first frame of a picture as seen, a JPEG reduced where it need not be exact."""
    with opened(image) as picture:
        if min(picture.size) < MIN_SIDE:
            raise UndecodableError(TOO_SMALL)
        turn, (width, height) = turn_of(picture), picture.size
        factor = 1 if exact or picture.info.get("icc_profile") else factor_of(width, height)
        pixels = pixels_of_jpeg(image, picture, factor)
        if pixels is not None and not picture.info.get("icc_profile"):
            return Grid(pixels, turn, factor, (height, width))
        return Grid(pixels_of(as_seen(picture)))
