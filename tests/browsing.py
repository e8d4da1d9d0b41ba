"""A real browser, and what is wrong with a page in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

# A page comes in a moment, but on a machine that stands still the moment may last.
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the machine's Chromium, or the one that Playwright fetched, for the while."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as player:
        chromium = player.chromium.launch(
            executable_path=path, args=["--no-sandbox"], timeout=PATIENCE_MS
        )
        _make_patient(chromium)
        yield chromium
        chromium.close()


def _make_patient(chromium: Browser) -> None:
    """Let every page of this browser wait as long as it takes."""
    context = chromium.new_context

    def patient_context(**given: Any) -> BrowserContext:
        made = context(**given)
        made.set_default_timeout(PATIENCE_MS)
        return made

    def patient_page(**given: Any) -> Page:
        return patient_context(**given).new_page()

    vars(chromium).update(new_context=patient_context, new_page=patient_page)


def follow(page: Page, menu: str, name: str) -> None:
    """Open a menu of the console and follow a way in it."""
    ways = page.get_by_role("navigation", name="Console")
    ways.locator("summary", has_text=menu).click()
    ways.get_by_role("link", name=name, exact=True).click()


def violations(page: Page) -> list[dict[str, Any]]:
    """Return what axe-core finds on the page, once all of it is there."""
    page.wait_for_load_state()
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return found


def faults(page: Page) -> list[str]:
    """Return what axe-core finds, and whether the page is wider than the window."""
    found = violations(page)
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    told = [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found]
    return told + ["wide"] * wide
