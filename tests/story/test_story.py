"""The whole story in a real browser on the real demo: post, review, appeal, restored, proven.

With SCREENSHOTS=FOLDER the pages that docs/two-minutes.md shows are kept as pictures there.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
         "--disable-component-update", "--no-first-run"]  # fmt: skip
SHOTS = os.environ.get("SCREENSHOTS")
SHOWN = Path(__file__).parents[2] / "docs" / "two-minutes.md"


@dataclass
class Demo:
    """A running demo: its addresses, and a sign-in link for each reviewer."""

    haven: str
    plaza: str
    links: list[str]
    home: Path
    env: dict[str, str]

    def openhaven(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "openhaven", *words]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)


def two_ports() -> int:
    """Return a port such that it and the next one are free."""
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                two.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Start the demo as a newcomer does, and stop it with what Ctrl-C sends."""
    home, port = tmp_path_factory.mktemp("demo"), two_ports()
    env = os.environ | {"OPENHAVEN_HOME": str(home), "OPENHAVEN_PORT": str(port),
                        "OPENHAVEN_UNDO_SECONDS": "0", "OPENHAVEN_DOUBLE_REVIEW": "0"}  # fmt: skip
    said = home / "said"
    with open(said, "wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "openhaven", "demo"], env=env, stdout=out)
    try:
        end = time.monotonic() + 60
        while "Ctrl-C" not in said.read_text():
            assert process.poll() is None, "the demo ended"
            assert time.monotonic() < end, "the demo was not ready within a minute"
            time.sleep(0.2)
        links = re.findall(r"http://\S+/sign-in/\S+", said.read_text())
        yield Demo(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}", links, home, env)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def visitor(browser: Browser, width: int = 1280) -> Page:
    """Return a page in a browser of its own; scripts that fail or break the CSP fail the test."""
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
    page.on("console", lambda line: _no_violation(line.text))
    return page


def _no_violation(text: str) -> None:
    assert "Content Security Policy" not in text, text


def sound(page: Page, name: str) -> None:
    """Check the page against axe-core's rules, and keep a picture of it where asked to."""
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    wide = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0, f"{name} scrolls sideways by {wide} px"
    if SHOTS and f"/{name}.png" in SHOWN.read_text():
        keep(page, Path(SHOTS) / f"{name}.png")


def keep(page: Page, path: Path) -> None:
    """Keep a picture of the upper part of the page, in few colours, so that it stays small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(BytesIO(page.screenshot(full_page=True))) as shot:
        part = shot.convert("RGB").crop((0, 0, shot.width, min(shot.height, 1500)))
    part.quantize(256, kmeans=3, dither=Image.Dither.NONE).save(path, optimize=True)


def press(page: Page, words: str) -> None:
    """Reach a control by its words with Tab alone, and press Enter."""
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement?.innerText?.trim() ?? ''")
        if words in focused:
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way to “{words}” by keyboard on {page.url}")


def sign_in(page: Page, link: str) -> None:
    page.goto(link)
    press(page, "Sign in")


def wait_for(page: Page, address: str, words: str, seconds: float = 20) -> None:
    """Look again until the page says `words`."""
    end = time.monotonic() + seconds
    while True:
        page.goto(address)
        if words in page.inner_text("body"):
            return
        assert time.monotonic() < end, f"{address} never said “{words}”:\n{page.inner_text('body')}"
        time.sleep(0.3)


def test_the_whole_story(demo: Demo, browser: Browser) -> None:
    # Within seconds a planted post is removed, and everybody sees why.
    person = visitor(browser)
    wait_for(person, demo.plaza, "This was removed under")
    sound(person, "plaza")
    with person.expect_navigation():
        person.click("text=What happened and why >> nth=0")
    sound(person, "plaza-planted")

    # A person posts something that only a person can judge.
    person.goto(f"{demo.plaza}/enter")
    person.fill("#name", "Somebody new")
    with person.expect_navigation():
        person.click("text=Be this person")
    person.goto(demo.plaza)
    person.fill("#text", "Is a flumquist allowed here?")
    with person.expect_navigation():
        person.click("text=Publish")
    person.goto(demo.plaza)
    with person.expect_navigation():
        person.click("article:has-text('Is a flumquist allowed here?') a:has-text('What happened')")
    post = person.url.partition("#")[0]

    # A reviewer finds it in the queue and decides, by keyboard alone.
    one = visitor(browser)
    sign_in(one, demo.links[0])
    one.goto(f"{demo.haven}/console")
    sound(one, "console")
    task = one.evaluate(
        """async (post) => {
          for (const link of document.querySelectorAll('a[href*="/console/tasks/"]')) {
            const page = await (await fetch(link.href)).text();
            if (page.includes(post)) return link.href;
          }
        }""",
        post.rpartition("/")[2],
    )
    assert task, (
        f"{post} is not in the queue: {person.inner_text('main')}\n{one.inner_text('main')}"
    )
    one.goto(task)
    press(one, "Claim this task")
    sound(one, "task")
    one.check("input[name=outcome][value=remove]")
    one.fill("#facts", "The post uses a word that the made-up rule forbids.")
    one.focus("#facts")
    press(one, "Send")

    # The post disappears; its author learns why and appeals.
    wait_for(person, post, "removed")
    sound(person, "plaza-removed")
    wait_for(person, f"{demo.plaza}/notices", "The post uses a word")
    sound(person, "plaza-notice")
    with person.expect_navigation():
        person.click("text=Read more, or appeal")
    appeal = person.url
    assert appeal.startswith(f"{demo.haven}/appeal/")
    sound(person, "appeal")
    person.fill("#text", "I only asked whether the word is allowed.")
    with person.expect_navigation():
        person.click("text=Send the appeal")
    assert "is being looked at" in person.inner_text("body")

    # Whoever decided cannot hear the appeal; another reviewer upholds it.
    two = visitor(browser)
    sign_in(two, demo.links[1])
    two.goto(f"{demo.haven}/console?queue=appeals")
    hearing = two.evaluate(
        """async () => {
          for (const link of document.querySelectorAll('a[href*="/console/tasks/"]')) {
            const page = await (await fetch(link.href)).text();
            if (page.includes("I only asked whether")) return link.href;
          }
        }"""
    )
    assert hearing, "the appeal is not in the queue"
    one.goto(hearing)
    assert one.query_selector("text=Claim this task") is None
    two.goto(hearing)
    press(two, "Claim this task")
    sound(two, "appeal-task")
    two.check("input[name=outcome][value=upheld]")
    two.fill("#facts", "Asking is allowed.")
    two.focus("#facts")
    press(two, "Send")

    # Everything is undone, and the person is told.
    wait_for(person, appeal, "Your appeal was successful")
    wait_for(person, appeal, "Putting back what was removed: done")
    sound(person, "appeal-upheld")
    wait_for(person, post, "restored")
    sound(person, "plaza-restored")
    two.goto(f"{demo.haven}/console/decisions")
    sound(two, "decisions")
    with two.expect_navigation():
        two.click("main a[href*='/console/decisions/dec_'] >> nth=0")
    sound(two, "decision")
    two.goto(f"{demo.haven}/console/deliveries")
    sound(two, "deliveries")

    # What is public, and that it was not altered.
    wait_for(person, f"{demo.haven}/transparency", "Decisions in the week from", 60)
    sound(person, "transparency")
    checked = demo.openhaven("ledger", "verify")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_public_page_is_sound_on_a_phone(demo: Demo, browser: Browser) -> None:
    phone = visitor(browser, width=390)
    for name, address in {
        "phone-plaza": demo.plaza,
        "phone-start": f"{demo.haven}/",
        "phone-report": f"{demo.haven}/report?platform=plaza&item=post-1",
        "phone-transparency": f"{demo.haven}/transparency",
        "phone-missing": f"{demo.haven}/nothing-here",
    }.items():
        phone.goto(address)
        sound(phone, name)
    sign_in(phone, _fresh_link(demo))
    phone.goto(f"{demo.haven}/console")
    sound(phone, "phone-console")


def test_a_report_without_javascript_gets_a_receipt(demo: Demo, browser: Browser) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{demo.haven}/report?platform=plaza&item=post-77")
    page.select_option("select[name=category]", index=1)
    page.fill("textarea", "Please look at this.")
    with page.expect_navigation():
        page.click("main form button")
    receipt = re.search(r"[0-9a-f]{4}(-[0-9a-f]{4}){4}", page.inner_text("body"))
    assert receipt
    page.goto(f"{demo.haven}/report/{receipt.group()}")
    assert "report" in page.inner_text("main").lower()


def _fresh_link(demo: Demo) -> str:
    added = demo.openhaven("staff", "link", "Reviewer one")
    found = re.search(r"\S*/sign-in/\S+", added.stdout)
    assert found, added.stdout + added.stderr
    link = found.group()
    return link if link.startswith("http") else demo.haven + link


def test_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    port = two_ports()
    env = os.environ | {"OPENHAVEN_HOME": str(tmp_path / "home"), "OPENHAVEN_PORT": str(port),
                        "OPENHAVEN_UNDO_SECONDS": "0", "OPENHAVEN_DOUBLE_REVIEW": "0"}  # fmt: skip
    with open(tmp_path / "said", "wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "openhaven", "demo"], env=env, stdout=out)
    end = time.monotonic() + 60
    while "Ctrl-C" not in (tmp_path / "said").read_text() and time.monotonic() < end:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert _living(str(tmp_path)) == []


def _living(words: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if words.encode() in text and folder.name != str(os.getpid()):
            found.append(text[:200].decode(errors="replace"))
    return found
