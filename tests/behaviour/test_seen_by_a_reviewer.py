"""What a reviewer sees of signs, in a real browser: sentences with numbers, wide and narrow."""

import os
from collections.abc import Iterator

import msgspec
import pytest
from bench.scenarios.harmful import HARMFUL
from bench.scenarios.town import Town
from line_scene import OPERATOR, scene
from playwright.sync_api import Page
from web_scene import serving

from browsing import browser, violations
from openhaven import staff
from openhaven.line import Haven

pytestmark = pytest.mark.slow


@pytest.fixture
def page() -> Iterator[Page]:
    with browser() as running:
        yield running.new_page()


def test_the_sentences_are_on_the_page(haven: Haven, page: Page) -> None:
    here = scene(haven)
    town = Town("cluster_burst", 3)
    HARMFUL["cluster_burst"](town)
    here.accept(*(msgspec.to_builtins(one) for one in town.events))
    here.work()
    asked = here.rows("SELECT id FROM tasks WHERE queue = 'child-safety' ORDER BY opened_at")
    with haven.db.begin(OPERATOR) as tx:
        member = staff.create(tx, "Ana", ("moderator", "specialist"))
        link = staff.sign_in_link(tx, member)
    with serving(haven) as place:
        page.goto(place.url + link)
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{place.url}/console/tasks/{asked[-1]['id']}")
        said = page.locator(".findings").all_inner_texts()
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            if folder := os.environ.get("SCREENSHOTS_OF_SIGNS"):
                page.screenshot(path=f"{folder}/signs-{width}.png", full_page=True)
            assert violations(page) == []
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert "accounts of one school or group for contact, without belonging to it." in str(said)
    assert "no sign is enough alone" in str(said)
