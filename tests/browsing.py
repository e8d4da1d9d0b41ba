"""A real browser, and what is wrong with a page in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the machine's Chromium, or the one that Playwright fetched, for the while."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as player:
        chromium = player.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def faults(page: Page) -> list[str]:
    """Return what axe-core finds, and whether the page is wider than the window."""
    found = Axe().run(page).response["violations"]
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    told = [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found]
    return told + ["wide"] * wide
