"""The hash that a browser makes of a picture is the one that we make of it."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pictures import distance, make
from PIL import Image
from playwright.sync_api import Page
from web_scene import Place, house, serving

from browsing import browser
from openhaven.signals.hashes.decode import look

pytestmark = pytest.mark.slow

HASH = """async ([data, type, limits]) => {
  const { LIMITS, pdqOfFile } = await import("/static/pdq.js");
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  try {
    return await pdqOfFile(new File([bytes], "p", { type }), { ...LIMITS, ...limits });
  } catch (error) { return { code: error.code ?? String(error) }; }
}"""
SIZES = ((64, 64), (127, 333), (480, 640), (800, 600), (1023, 77), (5, 9), (1200, 1600))
RECIPES = ("field", "noise", "gradient", "shapes", "page")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving(house(tmp_path_factory.mktemp("home")), ()) as running:
        yield running


@pytest.fixture(scope="module")
def page(place: Place) -> Iterator[Page]:
    with browser() as running:
        page = running.new_page()
        page.goto(place.url + "/sign-in")
        yield page


def there(page: Page, data: bytes, kind: str = "image/png", **limits: float) -> dict[str, Any]:
    """Return what the browser makes of a file."""
    return page.evaluate(HASH, [base64.b64encode(data).decode(), kind, {"seconds": 600, **limits}])


def encoded(image: Image.Image, form: str = "PNG", **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def test_pictures_without_loss_have_the_same_bits(page: Page) -> None:
    seen = 0
    for recipe in RECIPES:
        for seed, (height, width) in enumerate(SIZES):
            image = Image.fromarray(make(recipe, seed, height, width))
            for form in ("PNG", "WEBP") if seed % 2 else ("PNG",):
                data = encoded(image, form, **({"lossless": True} if form == "WEBP" else {}))
                ours = look(data).main
                theirs = there(page, data, f"image/{form.lower()}")
                assert abs(theirs["quality"] - ours.quality) <= 1
                # One with less detail is refused, so that its bits do not matter.
                if ours.quality >= 50:
                    assert theirs["hash"] == ours.pdq.hex(), (recipe, seed, form)
                    assert theirs["exact"] is True
                    seen += 1
    assert seen > 30


@pytest.mark.parametrize("quality", [40, 75, 95])
def test_pictures_with_loss_differ_by_a_few_bits_at_most(page: Page, quality: int) -> None:
    for seed in range(8):
        data = encoded(Image.fromarray(make("field", seed, 480, 640)), "JPEG", quality=quality)
        theirs = bytes.fromhex(there(page, data, "image/jpeg")["hash"])
        assert distance(look(data).main.pdq, theirs) <= 2


def test_it_is_read_as_people_see_it(page: Page) -> None:
    image = Image.fromarray(make("shapes", 3, 400, 300))
    exif = Image.Exif()
    for turned in range(1, 9):
        exif[0x0112] = turned
        data = encoded(image, "JPEG", exif=exif, quality=95)
        theirs = bytes.fromhex(there(page, data, "image/jpeg")["hash"])
        assert distance(look(data).main.pdq, theirs) <= 2, turned
    clear = image.convert("RGBA")
    clear.putalpha(Image.fromarray(make("gradient", 1, 400, 300)[:, :, 0]))
    data = encoded(clear)
    theirs = bytes.fromhex(there(page, data)["hash"])
    assert distance(look(data).main.pdq, theirs) <= 2


def test_a_huge_picture_is_reduced_and_stays_near(page: Page) -> None:
    for seed, size in enumerate(((900, 1400), (1400, 900), (1100, 1100))):
        data = encoded(Image.fromarray(make("field", seed, *size)))
        theirs = there(page, data, exact=300_000)
        assert theirs["exact"] is False
        assert distance(look(data).main.pdq, bytes.fromhex(theirs["hash"])) <= 16


def test_what_cannot_be_hashed_is_refused_with_its_reason(page: Page) -> None:
    whole = encoded(Image.fromarray(make("field", 1, 300, 300)))
    bomb = bytearray(whole)
    bomb[16:24] = (60_000).to_bytes(4) + (60_000).to_bytes(4)
    assert there(page, b"") == {"code": "empty"}
    assert there(page, whole, bytes=1_000) == {"code": "large"}
    assert there(page, bytes(bomb)) == {"code": "huge"}
    assert there(page, b"no picture at all") == {"code": "unreadable"}
    assert there(page, whole[:200]) == {"code": "unreadable"}
    assert there(page, whole, seconds=0) == {"code": "slow"}
    assert there(page, encoded(Image.new("RGB", (3, 400)))) == {"code": "small"}


@pytest.mark.parametrize("colour", ["black", "white", "#808080", "red"])
def test_a_picture_of_one_colour_has_no_detail(page: Page, colour: str) -> None:
    assert there(page, encoded(Image.new("RGB", (640, 480), colour)))["quality"] == 0


def test_the_size_is_known_before_anything_is_decoded(page: Page) -> None:
    image = Image.fromarray(make("field", 2, 210, 330))
    asked = """async ([data]) => {
      const { sizeOf } = await import("/static/pdq.js");
      return sizeOf(Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0)));
    }"""
    for form, more in (
        ("PNG", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "exif": b"Exif\0\0" + bytes(900)}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 60}),
        ("WEBP", {"quality": 60, "exif": b"Exif\0\0" + bytes(90)}),
    ):
        data = encoded(image, form, **more)
        told = page.evaluate(asked, [base64.b64encode(data).decode()])
        assert told == {"width": 330, "height": 210}, (form, more)
    assert page.evaluate(asked, [base64.b64encode(b"\xff\xd8\xff").decode()]) is None


def test_the_vectors_of_the_reference_program(page: Page) -> None:
    """Pictures whose hashes were recorded with the reference program have the same here."""
    vectors = json.loads((Path(__file__).parents[1] / "signals/vectors/pdq.json").read_text())
    fit = [one for one in vectors if one["quality"] >= 50 and one["height"] * one["width"] < 4e5]
    assert len(fit) > 10
    for one in fit[:60]:
        pixels = make(one["recipe"], one["seed"], one["height"], one["width"])
        found = there(page, encoded(Image.fromarray(pixels)))
        assert found["hash"] == one["pdq"], one
        assert abs(found["quality"] - one["quality"]) <= 1, one
