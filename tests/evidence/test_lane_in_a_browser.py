"""The lane in a real browser: by keyboard and without script, accessible at every width."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages_scene import Scene
from playwright.sync_api import Browser, Page, expect
from test_lane import placeholder, settle
from web_scene import Place, serving

from browsing import faults
from openhaven import review, staff
from openhaven.line import Haven

pytestmark = pytest.mark.slow
SHOTS = os.environ.get("LANE_SHOTS", "")


@pytest.fixture
def scene(haven: Haven) -> Scene:
    """Return a house with a moderator's task and two specialists."""
    here = Scene(haven).begin()
    with here.tx() as tx:
        for name in ("Sam", "Sue"):
            here.people[name] = staff.create(tx, name, ("specialist",))
    return here


@pytest.fixture
def place(scene: Scene) -> Iterator[Place]:
    """Return its server."""
    with serving(scene.haven, ()) as running:
        yield running


def signed_in(chromium: Browser, place: Place, scene: Scene, who: str, **how: object) -> Page:
    page = chromium.new_context(**how).new_page()  # type: ignore[arg-type]
    page.goto(place.url + scene.link(who))
    page.get_by_role("button", name="Sign in").click()
    return page


def look(page: Page, name: str) -> None:
    """Check what is shown, at a desk's width and on a phone."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)
        assert faults(page) == [], (name, width)


def test_from_a_suspicion_to_the_original(scene: Scene, place: Place, chromium: Browser) -> None:
    item = scene.post("Everyone hates you just leave", account="zed", pictures=[placeholder()])
    task = scene.task_of(item)
    with scene.tx("Ana") as tx:
        review.claim(tx, task)
    # The moderator, without script.
    ana = signed_in(chromium, place, scene, "Ana", java_script_enabled=False)
    ana.goto(f"{place.url}/console/tasks/{task}")
    ana.get_by_text("It may be the sexual exploitation of a child").click()
    ana.get_by_role("button", name="I suspect it").click()
    expect(ana.locator("main")).to_contain_text(
        "a specialist for child safety takes over", use_inner_text=True
    )
    assert ana.goto(f"{place.url}/console/tasks/{task}").status == 403  # type: ignore[union-attr]
    settle(scene)
    # The specialist: the case, and the way to the original.
    sam = signed_in(chromium, place, scene, "Sam")
    sam.get_by_role("link", name="Child safety").click()
    look(sam, "board")
    sam.get_by_role("link", name="Sexual abuse of a child").click()
    expect(sam.locator("h1")).to_contain_text(
        "Suspected: sexual abuse of a child", use_inner_text=True
    )
    look(sam, "case")
    sam.get_by_text("Open the original").last.click()
    sam.get_by_label("Why is it needed?").last.fill("The police ask whether it is the same.")
    sam.get_by_role("button", name="Ask a second person").last.click()
    expect(sam.locator("main")).to_contain_text("A second person was asked", use_inner_text=True)
    sam.get_by_text("Keep it by a further ground").click()
    sam.get_by_role("button", name="Hold").click()
    look(sam, "refused")
    sam.get_by_text("Tell them later").click()
    sam.get_by_label("Why must it wait?").fill("The police ask for it.")
    sam.locator("form", has=sam.get_by_label("Why must it wait?")).get_by_role("button").click()
    expect(sam.locator("main")).to_contain_text("was asked to wait until", use_inner_text=True)
    sue = signed_in(chromium, place, scene, "Sue")
    sue.goto(f"{place.url}/console/second")
    look(sue, "second")
    for _ in range(2):
        sue.get_by_role("button", name="Agree").first.click()
    settle(scene)
    sam.reload()
    look(sam, "agreed")
    with sam.expect_download() as got:
        sam.get_by_role("button", name="Open the original").click()
    assert got.value.path().read_bytes() == placeholder()
    sam.reload()
    expect(sam.locator("main")).to_contain_text("Camera data: viewed", use_inner_text=True)
