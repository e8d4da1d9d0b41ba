"""Pictures decoded as people see them: turned upright, in plain colours, on a white ground.

Runs in the decoder's own process for bytes that came from strangers. Hashing the raw numbers in a
file misses what a viewer shows: palette indexes, CMYK ink, the camera's orientation and
transparency all change the hash beyond recognition.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import numpy as np
from PIL import (
    AvifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
)

from openhaven.signals.hashes.perceptual import MIN_QUALITY, MIN_SIDE, Pixels, pdq_of_rows
from openhaven.signals.hashes.sniff import sniff

PIXELS = 50_000_000
FRAMES = 16
TOO_LARGE = f"the picture has more than {PIXELS // 1_000_000} million pixels"
REDUCED_SIDE = 500
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

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UndecodableError(Exception):
    """A picture that cannot be shown; the message is one plain clause for a person."""


class Look(NamedTuple):
    """A picture as seen: its size in pixels, its PDQ hash (32 bytes) and quality (0 to 100)."""

    width: int
    height: int
    pdq: bytes
    quality: int


def pdq(image: bytes, exact: bool = True) -> tuple[bytes, int]:
    """Return the 32-byte PDQ hash and its quality, 0 to 100, of an encoded picture as seen.

    `exact=False` lets a large JPEG be decoded at a half to an eighth of its size; the hash then
    differs in a few bits of 256. Raises `UndecodableError`. The bytes are decoded in this process
    and without a limit on time: bytes from a stranger go through `MediaHasher`, which is isolated.
    """
    seen = look(image, exact)
    return seen.pdq, seen.quality


def look(image: bytes, exact: bool = True) -> Look:
    """Decode a picture and hash it; of a moving one, the first frame with a usable quality.

    Raises `UndecodableError`.
    """
    with opened(image) as picture:
        full = picture.size
        factor = 1 if exact else _reduce(picture)
        best = _look(as_seen(picture), full, factor)
        for seen in _later_frames(picture):
            if best.quality >= MIN_QUALITY:
                break
            best = max(best, _look(seen, picture.size, 1), key=lambda one: one.quality)
    return best


def _later_frames(picture: Image.Image) -> Iterator[Image.Image]:
    """Yield the second to sixteenth frame, as far as there are any; none is counted beforehand."""
    for frame in range(1, FRAMES):
        try:
            picture.seek(frame)
        except EOFError:
            return
        yield as_seen(picture)


def preview(image: bytes, max_px: int) -> bytes:
    """Return the first frame as a JPEG without metadata, its long side at most `max_px` pixels."""
    with opened(image) as picture:
        picture.draft(None, (2 * max_px, 2 * max_px))
        seen = as_seen(picture)
    seen.thumbnail((max_px, max_px))
    out = io.BytesIO()
    seen.save(out, "JPEG", quality=82)
    return out.getvalue()


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
                raise UndecodableError(
                    f"the picture has more than {PIXELS // 1_000_000} million pixels"
                )
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
        return "the picture is cut off"
    return "the picture is damaged"


@contextmanager
def cut_off_allowed() -> Iterator[None]:
    """Within the block, a picture that ends too early is shown as far as it goes."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def as_seen(picture: Image.Image) -> Image.Image:
    """Return the current frame upright as `RGB`, or as `L` when it has no colour."""
    picture.load()
    seen = _plain(picture)
    if "exif" in picture.info:
        with suppress(Exception):  # a camera's damaged note does not make a picture unseen
            turn = _UPRIGHT.get(picture.getexif().get(_ORIENTATION, 1))
            seen = seen if turn is None else seen.transpose(turn)
    return seen


def _plain(picture: Image.Image) -> Image.Image:
    mode = picture.mode
    if mode == "1":
        return picture.convert("L")
    if mode.startswith("I") or mode == "F":
        return _eight_bits(picture)
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        return _on_white(picture)
    if mode in ("CMYK", "LAB"):
        return _from_profile(picture)
    return picture if mode in ("RGB", "L") else picture.convert("RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Bring a picture of one deep channel to 0 to 255; 16 bits are the only depth in wide use."""
    values = np.asarray(picture)
    if values.dtype.kind == "f":
        top = 1.0 if float(values.max(initial=0)) <= 1 else 255.0
        return Image.fromarray((values.clip(0, top) * (255 / top)).astype(np.uint8))
    deep = picture.mode != "I" or int(values.max(initial=0)) > 255
    shifted = values >> 8 if deep else values
    return Image.fromarray(shifted.clip(0, 255).astype(np.uint8))


def _on_white(picture: Image.Image) -> Image.Image:
    clear = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(clear, mask=clear.getchannel("A"))
    return ground


def _from_profile(picture: Image.Image) -> Image.Image:
    """Turn ink into light by the picture's own colour profile where it has a usable one."""
    profile = picture.info.get("icc_profile")
    if picture.mode == "LAB":
        source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    elif profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        except (OSError, ImageCms.PyCMSError):
            return picture.convert("RGB")
    else:
        return picture.convert("RGB")
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    try:
        seen = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except ImageCms.PyCMSError:
        seen = None
    return picture.convert("RGB") if seen is None else seen


def _reduce(picture: Image.Image) -> int:
    """Ask a JPEG decoder for a smaller picture; return by how much it is smaller (1, 2, 4, 8)."""
    width, height = picture.size
    for factor in (8, 4, 2):
        if max(width, height) >= factor * REDUCED_SIDE and min(width, height) >= 64 * factor:
            picture.draft(None, (width // factor, height // factor))
            return factor if picture.width == -(-width // factor) else 1
    return 1


def _look(seen: Image.Image, full: tuple[int, int], factor: int) -> Look:
    """Hash a picture as seen, whose file says it has the size `full`."""
    turned = factor > 1 and (-(-full[0] // factor), -(-full[1] // factor)) != seen.size
    width, height = seen.size if factor == 1 else full[::-1] if turned else full
    if min(width, height) < MIN_SIDE:
        raise UndecodableError("the picture is too small for a perceptual hash")

    def rows(top: int, end: int) -> Pixels:
        return np.asarray(seen.crop((0, top, seen.width, end)))

    return Look(width, height, *pdq_of_rows(rows, height, width, factor))
