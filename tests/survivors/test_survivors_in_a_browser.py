"""The pages of survivors in a real browser: accessible, narrow, by keyboard, without a script."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from pictures import make
from PIL import Image
from playwright.sync_api import Browser, Request, expect
from survivors_scene import Town, a_hash
from web_scene import Place, serving

from browsing import faults
from openhaven import staff
from openhaven.core import system
from openhaven.signals.hashes.decode import look

pytestmark = pytest.mark.slow

PAGES = ("/removal", "/watch", "/threat", "/request", "/request/nothing")


@pytest.fixture
def place(town: Town) -> Iterator[Place]:
    with serving(town.haven, ()) as running:
        yield running


def picture(folder: Path, name: str, image: Image.Image) -> tuple[Path, bytes]:
    out = io.BytesIO()
    image.save(out, "PNG")
    path = folder / name
    path.write_bytes(out.getvalue())
    return path, out.getvalue()


def status_pages(town: Town) -> list[str]:
    """Return the pages of requests in all the ways that they can stand."""
    removal, done = town.removal(town.posted()), town.removal(town.posted())
    threat, pdq = town.threat(account="wolf", danger=True), a_hash()
    watch = town.watch(pdq)
    town.posted(pdq)
    town.tend()
    task = next(one for one in town.tasks() if one["clock"] is not None)
    town.judge(town.person(), task["id"], "remove")
    town.tend()
    return [f"/request/{one.code}" for one in (removal, done, threat, watch)]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_page_is_accessible(
    town: Town, place: Place, chromium: Browser, width: int, scheme: str
) -> None:
    with chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    ) as context:
        page = context.new_page()
        broken = {}
        for path in (*PAGES, *status_pages(town)):
            page.goto(place.url + path)
            if found := faults(page):
                broken[path] = found
        assert not broken


def test_only_the_hash_leaves_the_device(
    town: Town, place: Place, chromium: Browser, tmp_path: Path
) -> None:
    path, data = picture(tmp_path, "mine.png", Image.fromarray(make("field", 4, 480, 640)))
    with chromium.new_context() as context:
        page = context.new_page()
        sent: list[Request] = []
        said: list[str] = []
        context.on("request", lambda one: sent.append(one))
        page.on("console", lambda message: said.append(message.text))
        page.goto(place.url + "/watch")
        assert page.get_by_role("button", name="Look out for it").is_disabled()
        before = len(sent)
        page.get_by_label("A picture on this device").set_input_files(path)
        page.get_by_text("Below is all that will leave your device.").first.wait_for()
        assert len(sent) == before
        shown = page.locator("[data-drawn] code").inner_text()
        assert shown == look(data).main.pdq.hex()
        page.get_by_label("The picture shows me").check()
        page.get_by_role("button", name="Look out for it").click()
        page.get_by_role("heading", name="Your secret code").wait_for()
        (post,) = [one for one in sent if one.method == "POST"]
        body = post.post_data or ""
        assert f"pdq={shown}" in body
        assert len(body) < 400
        assert post.headers["content-type"] == "application/x-www-form-urlencoded"
        for one in sent:
            assert one.url.startswith(place.url)
            assert one is post or not one.post_data
        assert not said
    (entry,) = town.rows("SELECT value FROM bank_entries")
    assert bytes(entry["value"]).hex() == shown


def test_the_browser_itself_forbids_the_page_to_send(place: Place, chromium: Browser) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(place.url + "/watch")
        asked = "fetch('/watch', {method: 'POST', body: 'x'}).then(() => 'sent', () => 'refused')"
        assert page.evaluate(asked) == "refused"
        page.goto(place.url + "/removal")
        assert page.evaluate(asked) == "sent"


@pytest.mark.parametrize(
    ("name", "told"),
    [("black", "too little to see"), ("empty", "file is empty"), ("words", "cannot read this file"),
     ("bomb", "too many pixels"), ("tiny", "too small")],
)  # fmt: skip
def test_what_cannot_be_read_is_explained(
    place: Place, chromium: Browser, tmp_path: Path, name: str, told: str
) -> None:
    path, data = picture(tmp_path, "p.png", Image.new("RGB", (640, 480), "black"))
    if name == "tiny":
        path, _ = picture(tmp_path, "t.png", Image.new("RGB", (4, 4), "red"))
    if name in ("empty", "words"):
        path.write_bytes(b"" if name == "empty" else b"just words")
    if name == "bomb":
        path.write_bytes(data[:16] + (60_000).to_bytes(4) * 2 + data[24:])
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(place.url + "/watch")
        page.get_by_label("A picture on this device").set_input_files(path)
        page.get_by_text(told).wait_for()
        assert page.get_by_role("button", name="Look out for it").is_disabled()


def test_everything_else_goes_without_a_script(town: Town, place: Place, chromium: Browser) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(place.url + "/watch")
        expect(page.get_by_text("This page needs JavaScript")).to_be_visible()
        assert not page.get_by_label("A picture on this device").is_visible()
        page.goto(place.url + "/removal")
        page.get_by_label("Where is it?").fill(town.posted())
        page.get_by_label("It is an intimate picture").check()
        page.get_by_label("I believe in good faith").check()
        page.get_by_role("button", name="Ask to take it down").click()
        page.get_by_role("link", name="See how far it is").click()
        expect(page.get_by_text("It has to be done by")).to_be_visible()
        page.get_by_role("button", name="Take it back").click()
        expect(page.get_by_text("You took this back.")).to_be_visible()


def test_the_keyboard_is_enough(town: Town, place: Place, chromium: Browser) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(place.url + "/threat")
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.locator(":focus").get_attribute("name") == "account":
                break
        page.keyboard.type("wolf")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Your secret code").wait_for()
        # Whoever leaves is gone at once, and this page is not in the way back.
        page.get_by_role("link", name="Leave this page quickly").focus()
        expect(page.locator(":focus")).to_have_attribute("href", "https://www.wikipedia.org/")


def test_staff_sees_danger_and_clocks_first(
    town: Town, place: Place, chromium: Browser, tmp_path: Path
) -> None:
    town.removal(town.posted())
    town.threat(account="wolf", danger=True)
    town.tend()
    with town.haven.db.begin(system("test")) as tx:
        link = staff.sign_in_link(tx, staff.create(tx, "Ana", ("moderator",)))
    with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(place.url + link)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("1 person may be in danger now.").wait_for()
        rows = page.locator("[data-part=queue] tbody tr")
        expect(rows.nth(0)).to_contain_text("Somebody may be in danger", use_inner_text=True)
        expect(rows.nth(1)).to_contain_text("Due by law in", use_inner_text=True)
        assert not faults(page)
        rows.nth(1).get_by_role("link").first.click()
        page.get_by_text("Due by law in").first.wait_for()
        assert not faults(page)
