"""Files of odd kinds, each with a plain picture that looks the same to a person.

Profiles of colours are made here: `inverse` and `swapped` ones turn numbers that mean nothing to a
naive reader into the picture that a viewer shows, which is how a file can be made to slip through.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray
from pictures import encoded, picture
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

Pair = tuple[bytes, Image.Image]
_TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def exif(orientation: int) -> Image.Exif:
    note = Image.Exif()
    note[0x0112] = orientation
    return note


def turned(orientation: int) -> Image.Image:
    """Return the picture as a camera that was held so stores it."""
    whole = picture()
    return whole.transpose(_TURNED[orientation]) if orientation in _TURNED else whole


def clear(steep: int = 1) -> Image.Image:
    shade = Image.linear_gradient("L").resize((640, 480)).point(lambda v: min(v * steep, 255))
    seen = picture().convert("RGBA")
    seen.putalpha(shade)
    return seen


def flat(see_through: Image.Image, ground: str) -> Image.Image:
    seen = Image.new("RGB", see_through.size, ground)
    seen.paste(see_through, mask=see_through.getchannel("A"))
    return seen


def png(values: NDArray[np.integer], depth: int, kind: int, *more: tuple[bytes, bytes]) -> bytes:
    """Write a PNG of any depth: rows of numbers (height, width * channels)."""
    height, width = values.shape[0], values.shape[1] // {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    if depth == 16:
        rows = values.astype(">u2").view(np.uint8).reshape(height, -1)
    elif depth == 8:
        rows = values.astype(np.uint8)
    else:
        bits = (values[:, :, None] >> np.arange(depth - 1, -1, -1)) & 1
        rows = np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1)
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = [(b"IHDR", head), *more, (b"IDAT", zlib.compress(body, 1)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def grey() -> NDArray[np.uint8]:
    return np.asarray(picture().convert("L"))


def sixteen(values: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return 16-bit values whose low bytes say nothing."""
    low = np.random.default_rng(3).integers(0, 256, values.shape)
    return (values.astype(np.uint16) << 8) | low.astype(np.uint16)


def table_profile(space: bytes, lights: Callable[..., tuple[float, float, float]]) -> bytes:
    """Return an ICC profile that is a table: `lights(*inks)`, each 0 to 1, gives linear RGB.

    ICC.1:2010, `mft1` with few points a channel, so that colours between are interpolated.
    """
    count, steps = {b"RGB ": (3, 9), b"CMYK": (4, 5)}[space]
    levels = np.linspace(0, 1, steps).tolist()
    points = b"".join(bytes(_lab(lights(*inks))) for inks in product(levels, repeat=count))
    one = struct.pack(">i", 65536)
    straight = bytes(range(256))
    matrix = b"".join(one if i % 4 == 0 else bytes(4) for i in range(9))
    table = b"mft1" + bytes(4) + bytes([count, 3, steps, 0]) + matrix + straight * count + points
    table += straight * 3
    note = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
    tags = {b"desc": note, b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": white, b"A2B0": table}
    at, index, bodies = 128 + 4 + 12 * len(tags), b"", b""
    for name, body in tags.items():
        body += bytes(-len(body) % 4)
        index += name + struct.pack(">II", at + len(bodies), len(body))
        bodies += body
    kind = b"prtr" if space == b"CMYK" else b"scnr"
    head = struct.pack(">I4sI4s4s4s", at + len(bodies), b"lcms", 0x02400000, kind, space, b"Lab ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + index + bodies


def _lab(light: tuple[float, float, float]) -> tuple[int, int, int]:
    """Return linear sRGB light as 8-bit Lab of the connection space (D50)."""
    to_xyz = np.array(
        [[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]]
    )
    x, y, z = (to_xyz @ np.array(light)) / np.array([0.9642, 1.0, 0.8249])
    f = [v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z)]
    lightness, a, b = 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])
    return tuple(int(np.clip(round(v), 0, 255)) for v in (lightness * 2.55, a + 128, b + 128))  # type: ignore[return-value]


def swapped_inks() -> Pair:
    """CMYK whose channels stand in another order, and a profile that knows it."""
    key = Image.fromarray(255 - grey())
    blank = Image.new("L", key.size)
    inks = Image.merge("CMYK", (key, blank, blank, blank))
    profile = table_profile(b"CMYK", lambda k, c, m, y: (((1 - k) * (1 - c)) ** 2.2,) * 3)
    return encoded(inks, "JPEG", quality=95, icc_profile=profile), picture().convert("L")


def inverse_light() -> Pair:
    """A negative, and a profile that turns it into the positive."""
    profile = table_profile(b"RGB ", lambda *rgb: tuple((1 - v) ** 2.2 for v in rgb))
    return encoded(ImageOps.invert(picture()), "PNG", icc_profile=profile), picture()


def swapped_light(form: str) -> Pair:
    """Red and blue exchanged, in the numbers and in the profile."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for old, new in ((b"rXYZ", b"?XYZ"), (b"bXYZ", b"rXYZ"), (b"?XYZ", b"bXYZ")):
        profile = profile[:128] + profile[128:].replace(old, new)
    red, green, blue = picture().split()
    data = encoded(Image.merge("RGB", (blue, green, red)), form, icc_profile=profile)
    return data, picture()


def linear() -> Pair:
    """Numbers in proportion to light, as the file declares."""
    note = PngImagePlugin.PngInfo()
    note.add(b"gAMA", struct.pack(">I", 20_000))
    dark = picture().point([round(255 * (v / 255) ** 2.27) for v in range(256)] * 3)
    note.add(b"gAMA", struct.pack(">I", 100_000))
    out = io.BytesIO()
    only = PngImagePlugin.PngInfo()
    only.add(b"gAMA", struct.pack(">I", 100_000))
    dark.save(out, "PNG", pnginfo=only)
    return out.getvalue(), picture()


def bars(top: int, left: int, colour: str) -> Image.Image:
    return ImageOps.expand(picture(), (left, top, left, top), colour)


def film(form: str) -> bytes:
    """Three scenes, of which the last is the picture."""
    scenes = [picture(seed=seed) for seed in (21, 22, 7)]
    scenes = [one.quantize(256) if form == "GIF" else one for one in scenes]
    return encoded(scenes[0], form, save_all=True, append_images=scenes[1:], duration=90)


def _palette(image: Image.Image) -> Image.Image:
    return image.quantize(256)


def _through() -> Image.Image:
    """A palette one of whose colours is seen through."""
    cut = picture().convert("RGBA")
    mask = Image.new("L", cut.size, 255)
    mask.paste(0, (0, 0, 200, 480))
    cut.putalpha(mask)
    return cut


def seen() -> Iterator[tuple[str, Callable[[], Pair]]]:
    """Name every kind whose *main* hash must be that of the plain picture."""
    whole = picture()
    deep = sixteen(np.asarray(whole).reshape(480, -1))
    two = np.stack([grey(), np.full((480, 640), 255)], axis=2).reshape(480, -1).astype(np.uint8)
    yield "palette png", lambda: (encoded(_palette(whole), "PNG"), whole)
    yield "palette of 16", lambda: (encoded(whole.quantize(16), "PNG", bits=4),
                                    whole.quantize(16).convert("RGB"))  # fmt: skip
    yield "palette with a clear colour", lambda: (encoded(_through(), "GIF"),
                                                  flat(_through(), "white"))  # fmt: skip
    yield "gif", lambda: (encoded(_palette(whole), "GIF"), whole)
    yield "gif in stripes", lambda: (encoded(_palette(whole), "GIF", interlace=1), whole)
    yield "grey png", lambda: (encoded(whole.convert("L"), "PNG"), whole)
    yield "one bit", lambda: (encoded(whole.convert("1"), "PNG"), whole.convert("1").convert("L"))
    yield "grey of 4 bits", lambda: (png(grey() >> 4, 4, 0), whole)
    yield "grey of 16 bits", lambda: (png(sixteen(grey()), 16, 0), whole)
    yield "16 bits by pillow", lambda: (
        encoded(Image.fromarray(sixteen(grey())), "PNG"), whole)  # fmt: skip
    yield (
        "grey of 16 bits, tiff",
        lambda: (encoded(Image.fromarray(sixteen(grey())), "TIFF"), whole),
    )
    yield "rgb of 16 bits", lambda: (png(deep, 16, 2), whole)
    yield "grey and alpha", lambda: (encoded(whole.convert("LA"), "PNG"), whole)
    yield "grey and alpha of 16 bits", lambda: (png(sixteen(two), 16, 4), whole)
    yield "opaque rgba", lambda: (encoded(whole.convert("RGBA"), "PNG"), whole)
    yield "alpha, png", lambda: (encoded(clear(), "PNG"), flat(clear(), "white"))
    yield "alpha, webp", lambda: (encoded(clear(), "WEBP", lossless=True), flat(clear(), "white"))
    yield "alpha, avif", lambda: (encoded(clear(), "AVIF", quality=95), flat(clear(), "white"))
    yield "alpha, tiff", lambda: (encoded(clear(), "TIFF"), flat(clear(), "white"))
    yield "a clear grey level", lambda: (
        encoded(whole.convert("L"), "PNG", transparency=0), whole)  # fmt: skip
    yield "cmyk", lambda: (encoded(whole.convert("CMYK"), "JPEG", quality=95), whole)
    yield "cmyk, tiff", lambda: (encoded(whole.convert("CMYK"), "TIFF"), whole)
    yield "cmyk with a profile", swapped_inks
    yield "a negative with a profile", inverse_light
    yield "red for blue, png", lambda: swapped_light("PNG")
    yield "red for blue, jpeg", lambda: swapped_light("JPEG")
    yield "red for blue, webp", lambda: swapped_light("WEBP")
    yield "declared brightness", linear
    yield "jpeg", lambda: (encoded(whole, "JPEG", quality=92), whole)
    yield "progressive jpeg", lambda: (encoded(whole, "JPEG", quality=92, progressive=True), whole)
    yield "grey jpeg", lambda: (encoded(whole.convert("L"), "JPEG", quality=92), whole)
    yield "rgb jpeg", lambda: (encoded(whole, "JPEG", quality=92, keep_rgb=True), whole)
    yield "two pictures in a jpeg", lambda: (
        encoded(whole, "MPO", save_all=True, append_images=[picture(seed=9)]), whole)  # fmt: skip
    yield "webp", lambda: (encoded(whole, "WEBP", quality=92), whole)
    yield "webp without loss", lambda: (encoded(whole, "WEBP", lossless=True), whole)
    yield "avif", lambda: (encoded(whole, "AVIF", quality=90), whole)
    yield "bmp", lambda: (encoded(whole, "BMP"), whole)
    yield "tiff", lambda: (encoded(whole, "TIFF", compression="tiff_lzw"), whole)
    yield "lab, tiff", lambda: (encoded(lab(whole), "TIFF"), whole)
    for way in range(1, 9):
        yield f"held so: {way}, jpeg", lambda way=way: (  # type: ignore[misc]
            encoded(turned(way), "JPEG", quality=92, exif=exif(way)), whole)  # fmt: skip
    for form in ("PNG", "WEBP", "AVIF", "TIFF"):
        yield f"held so: 6, {form.lower()}", lambda form=form: (  # type: ignore[misc]
            encoded(turned(6), form, exif=exif(6)), whole)  # fmt: skip
    yield (
        "clear and turned",
        lambda: (
            encoded(clear().transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif(6)),
            flat(clear(), "white"),
        ),
    )


def lab(image: Image.Image) -> Image.Image:
    light = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(image, light, ImageCms.createProfile("LAB"), outputMode="LAB")  # type: ignore[return-value]


def among() -> Iterator[tuple[str, Callable[[], Pair]]]:
    """Name every kind of which *some* reading must be that of the plain picture."""
    whole = picture()
    yield "on black, png", lambda: (encoded(clear(), "PNG"), flat(clear(), "black"))
    yield "on black, webp", lambda: (encoded(clear(), "WEBP"), flat(clear(), "black"))
    yield "on black, gif", lambda: (encoded(_through(), "GIF"), flat(_through(), "black"))
    yield "a third scene, gif", lambda: (film("GIF"), whole)
    yield "a third scene, webp", lambda: (film("WEBP"), whole)
    yield "a third scene, png", lambda: (film("PNG"), whole)
    yield "a third scene, avif", lambda: (film("AVIF"), whole)
    yield "a third page, tiff", lambda: (film("TIFF"), whole)
    for name, top, left, colour in (
        ("above and below", 80, 0, "black"),
        ("left and right", 0, 200, "white"),
        ("all round", 60, 90, "#204060"),
    ):
        for form in ("PNG", "JPEG"):
            yield f"bars {name}, {form.lower()}", lambda t=top, b=left, c=colour, f=form: (  # type: ignore[misc]
                encoded(bars(t, b, c), f), whole)  # fmt: skip
    yield (
        "bars, turned",
        lambda: (
            encoded(
                bars(80, 0, "black").transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif(6)
            ),
            whole,
        ),
    )
