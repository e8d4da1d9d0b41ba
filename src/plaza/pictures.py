"""Pictures made in code: landscapes, still lifes and patterns that show nothing and nobody."""

import io
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

_SIZE = (600, 400)
_PLANTED_SEED = "a lighthouse that the demo bank knows"
_SKIES = [((253, 214, 168), (94, 126, 170)), ((190, 224, 240), (44, 92, 140)),
          ((250, 188, 180), (96, 72, 132)), ((214, 236, 214), (60, 120, 120)),
          ((58, 64, 110), (18, 20, 48))]  # fmt: skip
_EARTHS = [(58, 92, 78), (110, 128, 74), (156, 116, 84), (72, 84, 120), (140, 96, 120)]
_BRIGHT = [(226, 98, 72), (240, 178, 66), (92, 160, 120), (80, 130, 190), (170, 110, 180),
           (236, 226, 206)]  # fmt: skip


def planted() -> bytes:
    """Return the picture of the demo bank `demo-known`: a PNG of 600 by 400, the same each time."""
    return _encoded(_lighthouse(random.Random(_PLANTED_SEED)), "PNG")  # noqa: S311


def planted_variant() -> bytes:
    """Return the same picture as somebody would pass it on: a smaller JPEG of low quality."""
    return _encoded(_lighthouse(random.Random(_PLANTED_SEED)).resize((420, 280)), "JPEG")  # noqa: S311


def placeholder() -> bytes:
    """Return the abstract picture of the bank `demo-child-safety`, which says what it is: a PNG."""
    return _encoded(_marked(), "PNG")


def benign(seed: str) -> tuple[bytes, str]:
    """Return a JPEG for this seed and a sentence that says what it shows."""
    chance = random.Random(seed)  # noqa: S311
    kinds: list[tuple[Callable[[random.Random], Image], str]] = [
        (_hills, "Hills under a wide sky"),
        (_tiles, "A pattern of coloured tiles"),
        (_fruit, "Round fruit on a table"),
    ]
    draw, words = chance.choice(kinds)
    return _encoded(draw(chance), "JPEG"), words


def _encoded(image: "Image", kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, quality=72, optimize=True)
    return out.getvalue()


def _canvas(chance: random.Random) -> tuple["Image", "ImageDraw"]:
    """Return a sky: one colour above, another below, and the pen for it."""
    # Pillow is only loaded when a picture is made, so that Plaza stays small without it.
    from PIL import Image, ImageDraw

    low, high = chance.choice(_SKIES)
    mask = Image.linear_gradient("L").resize(_SIZE)
    image = Image.composite(Image.new("RGB", _SIZE, low), Image.new("RGB", _SIZE, high), mask)
    return image, ImageDraw.Draw(image)


def _hills(chance: random.Random) -> "Image":
    image, pen = _canvas(chance)
    x, y, r = chance.randint(60, 540), chance.randint(40, 160), chance.randint(24, 60)
    pen.ellipse((x - r, y - r, x + r, y + r), fill=(255, 240, 200))
    for layer in range(chance.randint(2, 4)):
        earth = chance.choice(_EARTHS)
        base = 190 + layer * chance.randint(40, 60)
        points = [
            (px, base - chance.randint(-30, 80)) for px in range(0, 601, chance.randint(60, 150))
        ]
        pen.polygon([(0, 400), *points, (600, base), (600, 400)], fill=_shade(earth, layer))
    for _ in range(chance.randint(0, 14)):
        x, y, h = chance.randint(0, 600), chance.randint(260, 390), chance.randint(20, 60)
        pen.polygon([(x - h // 3, y), (x, y - h), (x + h // 3, y)], fill=(34, 60, 52))
    return image


def _tiles(chance: random.Random) -> "Image":
    image, pen = _canvas(chance)
    side = chance.choice((50, 80, 100, 200))
    for x in range(0, 600, side):
        for y in range(0, 400, side):
            box = (x, y, x + side - 3, y + side - 3)
            shape = chance.choice((pen.rectangle, pen.ellipse, pen.rectangle))
            if chance.random() < 0.75:
                shape(box, fill=chance.choice(_BRIGHT))
    return image


def _fruit(chance: random.Random) -> "Image":
    image, pen = _canvas(chance)
    table = chance.randint(220, 300)
    pen.rectangle((0, table, 600, 400), fill=chance.choice(_EARTHS))
    for _ in range(chance.randint(3, 7)):
        x, r = chance.randint(60, 540), chance.randint(28, 70)
        y, colour = table + chance.randint(-20, 60), chance.choice(_BRIGHT)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        pen.ellipse((x - r // 2, y - r // 2, x - r // 4, y - r // 4), fill=(255, 255, 255))
        pen.line((x, y - r, x + 6, y - r - 14), fill=(60, 44, 30), width=4)
    return image


def _marked() -> "Image":
    """Return rings and bars, with the words that this is a placeholder and shows nothing."""
    from PIL import ImageFont

    chance = random.Random("a placeholder that shows nothing")  # noqa: S311
    image, pen = _canvas(chance)
    for number, radius in enumerate(range(230, 20, -42)):
        pen.ellipse((150 - radius, 180 - radius, 150 + radius, 180 + radius),
                    fill=_BRIGHT[number % len(_BRIGHT)])  # fmt: skip
    for number in range(7):
        x = 330 + 38 * number
        pen.rectangle((x, 30 + 34 * (number % 4), x + 24, 300), fill=_EARTHS[number % 5])
    pen.rectangle((0, 316, 600, 400), fill=(20, 24, 34))
    pen.text((300, 340), "PLACEHOLDER, SYNTHETIC", fill=(255, 255, 255), anchor="mm",
             font=ImageFont.load_default(30))  # fmt: skip
    pen.text((300, 376), "It shows nothing and nobody", fill=(255, 255, 255), anchor="mm",
             font=ImageFont.load_default(20))  # fmt: skip
    return image


def _lighthouse(chance: random.Random) -> "Image":
    image, pen = _canvas(chance)
    pen.rectangle((0, 270, 600, 400), fill=(38, 86, 112))
    for _ in range(60):
        x, y = chance.randint(0, 600), chance.randint(276, 396)
        pen.line((x, y, x + chance.randint(14, 50), y), fill=(120, 168, 186), width=3)
    pen.polygon([(300, 400), (360, 268), (470, 246), (600, 300), (600, 400)], fill=(66, 58, 54))
    pen.polygon([(420, 262), (434, 96), (476, 96), (492, 262)], fill=(240, 236, 226))
    for y in (120, 172, 224):
        pen.rectangle((428, y, 484, y + 24), fill=(196, 62, 52))
    pen.rectangle((428, 70, 482, 98), fill=(52, 48, 46))
    pen.polygon([(424, 72), (455, 40), (486, 72)], fill=(196, 62, 52))
    pen.polygon([(430, 84), (0, 20), (0, 130)], fill=(250, 232, 176))
    pen.polygon([(90, 330), (210, 330), (186, 362), (114, 362)], fill=(122, 74, 46))
    pen.polygon([(150, 322), (150, 206), (216, 318)], fill=(246, 240, 228))
    return image


def _shade(colour: tuple[int, int, int], layer: int) -> tuple[int, int, int]:
    red, green, blue = (max(0, part - 18 * layer) for part in colour)
    return red, green, blue
