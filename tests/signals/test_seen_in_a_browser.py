"""What a real browser shows of each odd kind of file has the hash that we give to the file."""

import base64
import io
from collections.abc import Iterator

import numpy as np
import pairs
import pytest
from pictures import distance
from PIL import Image
from playwright.sync_api import Page

from browsing import browser
from openhaven.signals.hashes import pdq_of_array
from openhaven.signals.hashes.decode import look
from openhaven.signals.hashes.sniff import sniff

pytestmark = pytest.mark.slow

NEAR = 10
NOT_SHOWN = "tiff"
# Viewers do not agree on how a WebP is held: this one takes no notice of its EXIF, others do.
DISPUTED = "webp"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as running:
        yield running.new_page(viewport={"width": 700, "height": 700})


def shown(page: Page, data: bytes) -> bytes:
    """Return the hash of a screenshot of the file."""
    address = f"data:{sniff(data)};base64,{base64.b64encode(data).decode()}"
    page.set_content(f'<body style="margin:0;background:white"><img src="{address}"></body>')
    page.wait_for_function("document.images[0].complete && document.images[0].naturalWidth > 0")
    taken = page.locator("img").screenshot()
    return pdq_of_array(np.asarray(Image.open(io.BytesIO(taken)).convert("RGB")))[0]


KINDS = [pytest.param(name, make, id=name) for name, make in pairs.seen() if NOT_SHOWN not in name]


@pytest.mark.parametrize(("name", "make"), KINDS)
def test_as_the_browser_shows_it(
    page: Page, name: str, make: pairs.Callable[[], pairs.Pair]
) -> None:
    data, _ = make()
    found = look(data)
    there = shown(page, data)
    assert min(distance(one.pdq, there) for one in (found.main, *found.others)) <= NEAR
    if not ("held" in name and DISPUTED in name):
        assert distance(found.main.pdq, there) <= NEAR
