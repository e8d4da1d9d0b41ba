"""What a reviewer may see of a picture: blurred and grey first, clear only when asked for."""

import io

from PIL import Image, ImageFilter

from openhaven.core import Problem
from openhaven.signals import MediaHasher
from openhaven.storage import Blobs, Tx

VEILED_SIDE = 320
CLEAR_SIDE = 1024
# So few pixels are left that the layout can be told, but neither faces nor details.
_GRAIN = 20


def picture(
    tx: Tx, blobs: Blobs, hasher: MediaHasher, media: str, rendering: str, side: int = CLEAR_SIDE
) -> bytes:
    """Return a JPEG of a stored picture, at most `side` pixels (320 when it is veiled).

    `rendering` is `veiled`, `grey` (sharp, without colours) or `colour`. No camera data is kept.

    Raises `Problem` 404 when the bytes are gone, 422 when they cannot be shown as a picture.
    """
    sql = "SELECT 1 FROM media WHERE id = %(m)s AND deleted_at IS NULL"
    sealed = blobs.get(media) if tx.value(sql, m=media) else None
    data = None if sealed is None else tx.keys.open(f"media:{media}", sealed)
    if data is None:
        raise Problem("media.gone", "This picture is not kept any more.", status=404)
    if rendering == "veiled":
        return veil(hasher.preview(data, VEILED_SIDE))
    shown = hasher.preview(data, side)
    return grey(shown) if rendering == "grey" else shown


def grey(jpeg: bytes) -> bytes:
    """Return the picture (a JPEG of our own making) without its colours."""
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as seen:
        out = io.BytesIO()
        seen.convert("L").save(out, "JPEG", quality=80)
    return out.getvalue()


def veil(jpeg: bytes) -> bytes:
    """Return the picture (a JPEG of our own making) grey and blurred beyond recognition."""
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as seen:
        grey = seen.convert("L")
    size = grey.size
    grey.thumbnail((_GRAIN, _GRAIN))
    soft = grey.resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(8))
    out = io.BytesIO()
    soft.save(out, "JPEG", quality=60)
    return out.getvalue()
