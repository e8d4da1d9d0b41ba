"""What a viewer shows of a file: plain colours, upright, transparent parts on a ground.

Hashing the raw numbers in a file misses what people see: palette indexes, inks, the camera's
orientation, transparency, deep channels and colour profiles all change a hash beyond recognition.
Everything here takes and gives Pillow images; nothing is turned except by `as_seen`.
"""

import io
from contextlib import suppress

import numpy as np
from PIL import Image, ImageCms

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
_SCREEN_GAMMA = 1 / 2.2
_CLEAR = ("RGBA", "LA", "PA", "RGBa", "La")


def as_seen(picture: Image.Image) -> Image.Image:
    """Return the current frame upright as `RGB`, or as `L` when it has no colour."""
    picture.load()
    seen = in_colours(picture)
    turn = _UPRIGHT.get(turn_of(picture))
    return seen if turn is None else seen.transpose(turn)


def turn_of(picture: Image.Image) -> int:
    """Return how the camera was held, 1 (upright) to 8, as EXIF numbers it."""
    if "exif" in picture.info:
        with suppress(Exception):  # a camera's damaged note does not make a picture unseen
            turn = picture.getexif().get(_ORIENTATION, 1)
            return turn if turn in _UPRIGHT else 1
    return 1


def is_clear(picture: Image.Image) -> bool:
    """Say whether a loaded picture has parts that one can see through."""
    if picture.mode not in _CLEAR and "transparency" not in picture.info:
        return False
    seen = picture if "A" in picture.getbands() else picture.convert("RGBA")
    lowest = seen.getchannel("A").getextrema()[0]
    return isinstance(lowest, (int, float)) and lowest < 255


def in_colours(picture: Image.Image, ground: str = "white") -> Image.Image:
    """Return a loaded picture as a viewer shows it on a ground of this colour, not turned."""
    mode = picture.mode
    if mode == "1":
        return picture.convert("L")
    if mode.startswith("I") or mode == "F":
        return _eight_bits(picture)
    if mode in _CLEAR or "transparency" in picture.info:
        return _lit(picture, _on(picture, ground))
    if mode in ("CMYK", "LAB"):
        return managed(picture, picture) or picture.convert("RGB")
    return _lit(picture, picture if mode in ("RGB", "L") else picture.convert("RGB"))


def managed(picture: Image.Image, colours: Image.Image) -> Image.Image | None:
    """Return `colours` on an ordinary screen, by the colour profile that `picture` carries.

    None when it carries none, or one that does not fit its kind of colours.
    """
    profile = picture.info.get("icc_profile")
    try:
        if colours.mode == "LAB":
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        elif profile:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        else:
            return None
        target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        return ImageCms.profileToProfile(colours, source, target, outputMode="RGB")
    except (OSError, ImageCms.PyCMSError):
        return None


def _lit(picture: Image.Image, colours: Image.Image) -> Image.Image:
    """Undo the brightness curve that a PNG may declare; a profile has its own and goes before."""
    gamma = picture.info.get("gamma")
    if not isinstance(gamma, float) or not 0.01 < gamma < 100:
        return colours
    if "srgb" in picture.info or "icc_profile" in picture.info:
        return colours
    power = _SCREEN_GAMMA / gamma
    if abs(power - 1) < 0.05:
        return colours
    curve = [round(255 * (level / 255) ** power) for level in range(256)]
    return colours.point(curve * len(colours.getbands()))


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Bring a picture of one deep channel to 0 to 255; 16 bits are the only depth in wide use."""
    values = np.asarray(picture)
    if values.dtype.kind == "f":
        top = 1.0 if float(values.max(initial=0)) <= 1 else 255.0
        return Image.fromarray((values.clip(0, top) * (255 / top)).astype(np.uint8))
    deep = picture.mode != "I" or int(values.max(initial=0)) > 255
    shifted = values >> 8 if deep else values
    return Image.fromarray(shifted.clip(0, 255).astype(np.uint8))


def _on(picture: Image.Image, ground: str) -> Image.Image:
    clear = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    seen = Image.new("RGB", picture.size, ground)
    seen.paste(clear, mask=clear.getchannel("A"))
    return seen
