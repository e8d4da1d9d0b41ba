"""The running demo, and what people do with its pages in a real browser.

With SCREENSHOTS=FOLDER the pages that docs show are kept as pictures there.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from browsing import faults
from ports import free_ports

SHOTS = os.environ.get("SCREENSHOTS")
DOCS = Path(__file__).parents[2] / "docs"
SHOWN = frozenset(
    name
    for page in DOCS.glob("*.md")
    for name in re.findall(r"\(screenshots/([a-z0-9-]+)\.png\)", page.read_text())
)
# As on a machine that stands still for a while.
PATIENCE = 300.0


@dataclass
class Demo:
    """A running demo: its addresses, and a sign-in link for each reviewer."""

    haven: str
    plaza: str
    links: list[str]
    home: Path
    env: dict[str, str]

    def openhaven(self, *words: str, fails: bool = False) -> str:
        """Run a verb of the command line and return what it printed."""
        command = [sys.executable, "-m", "openhaven", *words]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def sign_in_link(self, name: str, *roles: str) -> str:
        """Return a fresh sign-in link of a member of staff, who is added with `roles`."""
        given = [word for role in roles for word in ("--role", role)]
        said = self.openhaven("staff", *(("add", name, *given) if roles else ("link", name)))
        found = re.search(r"\S*(/sign-in/\S+)", said)
        assert found, said
        return self.haven + found.group(1)


def two_ports() -> int:
    """Return a port such that it and the next one are free."""
    return free_ports(2)[0]


@contextmanager
def running(home: Path, **more: str) -> Iterator[Demo]:
    """Start the demo as a newcomer does, and stop it with what Ctrl-C sends."""
    port = two_ports()
    env = os.environ | {"OPENHAVEN_HOME": str(home), "OPENHAVEN_PORT": str(port),
                        "OPENHAVEN_UNDO_SECONDS": "0", "OPENHAVEN_DOUBLE_REVIEW": "0",
                        **more}  # fmt: skip
    home.mkdir(parents=True, exist_ok=True)
    said = home / "said"
    with open(said, "wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "openhaven", "demo"], env=env, stdout=out)
    try:
        end = time.monotonic() + PATIENCE
        while "Ctrl-C" not in said.read_text():
            assert process.poll() is None, "the demo ended"
            assert time.monotonic() < end, "the demo was not ready in time"
            time.sleep(0.2)
        links = re.findall(r"http://\S+/sign-in/\S+", said.read_text())
        yield Demo(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}", links, home, env)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE) == 0


def visitor(browser: Browser, width: int = 1280) -> Page:
    """Return a page in a browser of its own; scripts that fail or break the CSP fail the test."""
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
    page.on("console", lambda line: _no_violation(line.text))
    return page


def _no_violation(text: str) -> None:
    assert "Content Security Policy" not in text, text


def sound(page: Page, name: str) -> None:
    """Check the page against axe-core's rules, and keep a picture of it where docs show it."""
    assert faults(page) == [], f"{name}: {page.url}"
    if SHOTS and name in SHOWN:
        keep(page, Path(SHOTS) / f"{name}.png")


def keep(page: Page, path: Path) -> None:
    """Keep a picture of the upper part of the page, in few colours, so that it stays small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(BytesIO(page.screenshot(full_page=True))) as shot:
        part = shot.convert("RGB").crop((0, 0, shot.width, min(shot.height, 1500)))
    part.quantize(256, kmeans=3, dither=Image.Dither.NONE).save(path, optimize=True)


def press(page: Page, words: str) -> None:
    """Reach a control by its words with Tab alone, and press Enter."""
    for _ in range(120):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement?.innerText?.trim() ?? ''")
        if words in focused:
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way to “{words}” by keyboard on {page.url}")


def sign_in(page: Page, link: str) -> None:
    """Open a sign-in link and use it, by keyboard."""
    page.goto(link)
    page.focus("main")
    press(page, "Sign in")
    assert page.url.endswith("/console"), page.inner_text("main")


def become(page: Page, demo: Demo, name: str) -> None:
    """Be one of Plaza's personas; one that is not there is made up, 18 or older."""
    page.goto(f"{demo.plaza}/enter")
    known = page.query_selector(f"button:has-text('{name}')")
    if known is None:
        page.fill("#name", name)
        page.select_option("#age_band", "18-plus")
    with page.expect_navigation():
        page.click("text=Be this person" if known is None else f"button:has-text('{name}')")


def wait_for(page: Page, address: str, words: str) -> None:
    """Look again until the page says `words`."""
    end = time.monotonic() + PATIENCE
    while True:
        page.goto(address)
        if words in page.inner_text("body"):
            return
        assert time.monotonic() < end, f"{address} never said “{words}”:\n{page.inner_text('body')}"
        time.sleep(0.3)


def task_about(page: Page, demo: Demo, words: str, queue: str = "") -> str:
    """Return the address of the open task whose page holds `words`; waits until there is one."""
    look = """async (words) => {
      for (const link of document.querySelectorAll('a[href*="/console/tasks/"]')) {
        const page = await (await fetch(link.href)).text();
        if (page.includes(words)) return link.href;
      }
      return "";
    }"""
    end = time.monotonic() + PATIENCE
    while True:
        page.goto(f"{demo.haven}/console" + (f"?queue={queue}" if queue else ""))
        if found := str(page.evaluate(look, words)):
            return found
        assert time.monotonic() < end, f"no task about “{words}”:\n{page.inner_text('main')}"
        time.sleep(0.5)


def judge(page: Page, task: str, outcome: str, facts: str, clause: str = "") -> None:
    """Claim a task and judge it, by keyboard but for the choice itself."""
    page.goto(task)
    press(page, "Claim this task")
    choice = page.query_selector(f"input[name=outcome][value={outcome}]")
    assert choice, page.inner_text("body")
    choice.check()
    if clause:
        page.select_option("select[name=clause]", clause)
    page.fill("#facts", facts)
    page.focus("#facts")
    press(page, "Send")
