"""Other languages in a real browser: no page wider than the window, mirrored from the right."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages_scene import lively
from playwright.sync_api import Browser, Page
from pseudo_words import arabic, write_language
from web_scene import Place, serving

from browsing import faults
from openhaven.core.words import speak

pytestmark = pytest.mark.slow
PATHS = ("/", "/report", "/report/receipt", "/removal", "/watch", "/threat", "/request", "/help",
         "/transparency", "/transparency/verify", "/transparency/receipts", "/nowhere")  # fmt: skip
WIDE, PHONE = 1280, 390


@pytest.fixture(scope="module")
def place(module_haven, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:  # type: ignore[no-untyped-def]
    lively(module_haven)
    speak(write_language(tmp_path_factory.mktemp("own"), "ar", arabic))
    with serving(module_haven, ()) as running:
        yield running
    speak()


def middle(page: Page, selector: str) -> float:
    """Return the middle of an element, from the left, as a share of the window's width."""
    box = page.locator(selector).first.bounding_box()
    assert box, selector
    return (box["x"] + box["width"] / 2) / page.evaluate("innerWidth")


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_pages_from_the_right_are_whole(place: Place, chromium: Browser, width: int) -> None:
    broken = {}
    with chromium.new_context(viewport={"width": width, "height": 900}) as context:
        page = context.new_page()
        for path in PATHS:
            page.goto(f"{place.url}{path}?lang=ar")
            assert page.evaluate("document.dir") == "rtl"
            if found := faults(page):
                broken[path] = found
            if folder := os.environ.get("SCREENSHOTS"):
                name = f"rtl{path.replace('/', '-')}-{width}.png"
                page.screenshot(path=Path(folder) / name, full_page=True)
    assert broken == {}


@pytest.mark.parametrize("language", ["de", "es", "fr", "it", "ja"])
def test_longer_words_widen_no_page(place: Place, chromium: Browser, language: str) -> None:
    with chromium.new_context(viewport={"width": PHONE, "height": 900}) as context:
        page = context.new_page()
        wide = []
        for path in PATHS:
            page.goto(f"{place.url}{path}?lang={language}")
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(path)
            if folder := os.environ.get("SCREENSHOTS"):
                name = f"{language}{path.replace('/', '-')}.png"
                page.screenshot(path=Path(folder) / name, full_page=True)
    assert wide == []


def test_what_stands_left_stands_right(place: Place, chromium: Browser) -> None:
    """The brand, the way out of the page and the labels of a form are where they are expected."""
    with chromium.new_context(viewport={"width": WIDE, "height": 900}) as context:
        page = context.new_page()
        page.goto(f"{place.url}/report")
        left = {one: middle(page, one) for one in (".brand", "[data-leave]", "main h1")}
        edge = page.evaluate("getComputedStyle(document.querySelector('.note')).borderLeftWidth")
        page.goto(f"{place.url}/report?lang=ar")
        right = {one: middle(page, one) for one in left}
        mirrored = page.evaluate(
            "getComputedStyle(document.querySelector('.note')).borderRightWidth"
        )
        align = page.evaluate("getComputedStyle(document.querySelector('label.name')).textAlign")
    assert left[".brand"] < 0.35
    assert right[".brand"] > 0.65
    assert left["main h1"] < left["[data-leave]"]
    assert right["main h1"] > right["[data-leave]"]
    assert edge == mirrored == "4px"
    assert align == "start"


def test_the_keyboard_goes_the_same_way(place: Place, chromium: Browser) -> None:
    with chromium.new_context(viewport={"width": PHONE, "height": 800}) as context:
        page = context.new_page()

        def walked(path: str) -> list[str]:
            page.goto(place.url + path)
            seen = []
            for _ in range(12):
                page.keyboard.press("Tab")
                seen.append(page.evaluate("document.activeElement.tagName + ' ' + "
                                          "(document.activeElement.id || '')"))  # fmt: skip
            return seen

        assert walked("/report?lang=ar") == walked("/report")
