"""The ways through the console: grouped, on one line, with a keyboard, a phone, and no script."""

import os
from typing import get_args

import pytest
from pages_scene import Scene
from pages_visitor import Visitor
from playwright.sync_api import Browser, Page, expect
from web_scene import Place

from browsing import faults
from openhaven import staff
from openhaven.core.permissions import Role

pytestmark = pytest.mark.slow


@pytest.fixture
def everybody(scene: Scene, place: Place) -> Visitor:
    """Return somebody who has every role."""
    if "Lou" not in scene.people:
        with scene.tx() as tx:
            scene.people["Lou"] = staff.create(tx, "Lou", get_args(Role))
    return Visitor(place).enter(scene.link("Lou"))


def opened(chromium: Browser, who: Visitor, width: int, *, script: bool) -> Page:
    context = chromium.new_context(base_url=who.place.url, java_script_enabled=script,
                                   viewport={"width": width, "height": 800})  # fmt: skip
    name, _, value = who.cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": who.place.url}])
    page = context.new_page()
    page.goto("/console/decisions")
    return page


def shot(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    if folder := os.environ.get("LOOK"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_all_ways_stand_on_one_line_of_a_desk_and_open_by_keyboard(
    chromium: Browser, everybody: Visitor
) -> None:
    page = opened(chromium, everybody, 1280, script=False)
    tops = [one.bounding_box() for one in page.locator("header nav > ul > li").all()]
    assert len({round(box["y"]) for box in tops if box}) == 1
    assert len(tops) <= 9
    assert "you are there" in page.locator("summary.here").inner_text()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.locator(":focus").inner_text().startswith("Rules"):
            break
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    shot(page, "nav-desk")
    expect(page.locator(":focus")).to_have_text("Banks")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/banks")
    # The others are still there, and nothing of the page is lost behind an open menu.
    expect(page.locator("details.menu[open]")).to_have_count(0)
    page.context.close()


def test_a_menu_on_a_phone_pushes_the_page_down(chromium: Browser, everybody: Visitor) -> None:
    page = opened(chromium, everybody, 360, script=True)
    for words in ("Decisions", "Rules", "People"):
        page.locator("summary", has_text=words).click()
        assert faults(page) == []
        expect(page.locator("details.menu[open]")).to_have_count(1)
    shot(page, "nav-phone")
    page.keyboard.press("Escape")
    expect(page.locator("details.menu[open]")).to_have_count(0)
    page.context.close()


def test_who_may_do_little_sees_plain_links(chromium: Browser, ana: Visitor) -> None:
    page = opened(chromium, ana, 1280, script=True)
    expect(page.locator("summary", has_text="People")).to_have_count(0)
    expect(page.locator("header nav >> text=Staff")).to_have_count(0)
    shot(page, "nav-ana")
    page.locator("summary", has_text="Decisions").click()
    assert faults(page) == []
    page.locator("h1").click()
    expect(page.locator("details.menu[open]")).to_have_count(0)
    page.context.close()
