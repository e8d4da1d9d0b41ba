"""The pages of review in a real browser: accessible at every width, by keyboard, without script."""

import os
from pathlib import Path

import pytest
from pages_scene import Scene, gentle_picture
from playwright.sync_api import Browser, expect
from web_scene import Place

from browsing import faults
from openhaven import review, staff
from openhaven.review import handing
from openhaven.review.quality import actions as quality

pytestmark = pytest.mark.slow
SHOTS = os.environ.get("REVIEW_SHOTS", "")


@pytest.fixture(scope="module")
def cookies(scene: Scene, place: Place, chromium: Browser) -> list[dict]:
    """Sign in Mo, who is a senior moderator, and return the cookies."""
    with scene.tx() as tx:
        scene.people["Mo"] = staff.create(tx, "Mo", ("moderator", "senior"))
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(place.url + scene.link("Mo"))
        page.get_by_role("button", name="Sign in").click()
        return context.cookies()


@pytest.fixture(scope="module")
def task(scene: Scene, cookies: list[dict]) -> str:
    """Return a task of Mo's with notes, around which something has happened."""
    for number in range(3):
        past = scene.task_of(scene.post("Everyone hates you just leave", account="rae"))
        scene.decide(past, "warn" if number else "restrict", "It wounds her.", who="Ben",
                     clause="no-harassment")  # fmt: skip
        with scene.tx("Mo") as tx:
            quality.agree(tx, past)
    picture = [gentle_picture(31)]
    task = scene.task_of(scene.post("Everyone hates you just leave", account="rae",
                                    pictures=picture))  # fmt: skip
    with scene.tx("Ana") as tx:
        review.claim(tx, task)
        handing.ask_opinion(tx, task, "Is this a line from a song?")
    with scene.tx("Ben") as tx:
        handing.say_opinion(tx, task, "restrict", "Not that I know.")
    with scene.tx("Ana") as tx:
        handing.hand_over(tx, task, scene.people["Mo"].id, "You know this school.")
    with scene.tx("Mo") as tx:
        review.claim(tx, task)
    return task


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light"), (390, "dark")])
def test_the_pages_of_review_are_accessible(
    place: Place, chromium: Browser, cookies: list[dict], task: str, width: int, scheme: str
) -> None:
    with chromium.new_context(
        viewport={"width": width, "height": 900}, base_url=place.url, reduced_motion="reduce",
        color_scheme=scheme,  # type: ignore[arg-type]
    ) as context:  # fmt: skip
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page, broken = context.new_page(), {}
        for path in ("/console", f"/console/tasks/{task}", "/console/me", "/console/quality"):
            page.goto(path)
            for fold in page.locator("details.fold > summary").all():
                fold.click()
            if found := faults(page):
                broken[path] = found
            if SHOTS:
                name = path.rpartition("/")[2].partition("_")[0]
                page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{scheme}.png", full_page=True)
        page.goto("/console/me")
        page.get_by_role("button", name="Take a pause").click()
        expect(page.get_by_text("You pause from everything")).to_be_visible()
        page.get_by_role("button", name="Go on now").click()
        assert broken == {}


def test_a_task_is_handed_on_by_keyboard_and_without_a_script(
    scene: Scene, place: Place, chromium: Browser, cookies: list[dict], task: str
) -> None:
    with chromium.new_context(java_script_enabled=False, base_url=place.url) as context:
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"/console/tasks/{task}")
        page.locator("summary", has_text="Somebody else, or later").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.type("I am off now.")
        page.get_by_role("button", name="Let it rest").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/console")
        expect(page.get_by_text("rests until").first).to_be_visible()
        page.goto("/console/me")
        page.get_by_role("button", name="End my shift").focus()
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Thank you for today").wait_for()
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / "shift.png", full_page=True)
        page.get_by_role("link", name="Back").click()
