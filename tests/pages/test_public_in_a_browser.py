"""Every public page, from the table of routes: accessible, by keyboard, and without JavaScript."""

import json
import re

import pytest
from pages_scene import Scene
from playwright.sync_api import Browser, Page, expect
from web_scene import Place

from browsing import faults
from openhaven.core import new_id
from openhaven.exchange.returning import contests
from openhaven.intake import create_key, platform_named
from openhaven.survivors import Removal, ask_removal
from openhaven.web.routes import ROUTES
from openhaven.web.table import PUBLIC

pytestmark = pytest.mark.slow

# It is saved and opened from a disk, which tests of its own do.
SAVED = "/transparency/receipts/check.html"
# What Tab must reach: of radio buttons that belong together, only one.
REACHABLE = """() => {
  const groups = new Set();
  return [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter((one) => one.checkVisibility() && !one.disabled && one.tabIndex >= 0)
    .filter((one) => one.type !== 'radio' || (!groups.has(one.name) && groups.add(one.name)))
    .length;
}"""
FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const style = getComputedStyle(one);
  const name = `${one.tagName} ${(one.name || one.innerText || one.id).trim().slice(0, 40)}`;
  return [name, style.outlineStyle !== 'none' || style.boxShadow !== 'none'];
}"""
OFFERED = "main form button:visible, main form :is(input, select, textarea):visible"


@pytest.fixture(scope="module")
def pages(scene: Scene, place: Place) -> list[str]:
    """Return the address of every public page, with what its places are filled with."""
    with scene.haven.db.read() as tx:
        appealed = str(tx.value("SELECT decision FROM appeals LIMIT 1"))
    filled = {
        "/report/{receipt}": [scene.report("post-1", "spam")],
        "/appeal/{token}": [scene.token(appealed), scene.token(scene.decision_of("post-13"))],
        "/age/{token}": [_age_token(scene, place)],
        "/request/{code}": [_request_code(scene)],
        "/returning/{token}": [_newcomer_token(scene)],
        "/sign-in/{token}": [scene.link("Ben").rpartition("/")[2]],
    }
    found = ["/nowhere", "/help?country=GB&topic=bullying&age_band=13-15",
             "/report?platform=plaza&item=post-1&category=ncii"]  # fmt: skip
    for route in ROUTES:
        shown = route.method == "GET" and route.gate == PUBLIC and route.answer == "text/html"
        if not shown or route.path == SAVED:
            continue
        stem, place_of, _ = route.path.partition("{")
        assert not place_of or route.path in filled, f"say here how {route.path} is filled"
        found += [stem + value for value in filled.get(route.path, [""])]
    return found


def _age_token(scene: Scene, place: Place) -> str:
    with scene.tx() as tx:
        key = create_key(tx, "ages", platform_named(tx, "plaza"))
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    body = json.dumps({"band": "18-plus", "text": "I am older than that."}).encode()
    reply = place.ask("POST", "/v1/protections/zoe/age/appeals", body, headers)
    assert reply.status == 201, reply.body
    return str(json.loads(reply.body)["status_url"]).rpartition("/")[2]


def _request_code(scene: Scene) -> str:
    asked = Removal(items=("post-2",), shows=True, consent=True)
    with scene.tx() as tx:
        return ask_removal(tx, platform_named(tx, "plaza"), asked, "192.0.2.1").code


def _newcomer_token(scene: Scene) -> str:
    with scene.tx() as tx:
        tx.run(
            """INSERT INTO returning_sightings (id, platform, event, account, at, strength)
               VALUES (%(id)s, %(p)s, 'sign-up', 'newcomer', now(), 'strong')""",
            id=(met := new_id("rts")), p=platform_named(tx, "plaza").id,
        )  # fmt: skip
        return contests.token(tx, met)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_public_page_is_accessible(
    place: Place, pages: list[str], chromium: Browser, width: int, scheme: str
) -> None:
    with chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    ) as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda line: said.append(line.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        broken = {}
        for path in pages:
            page.goto(place.url + path)
            if found := faults(page):
                broken[path] = found
        assert not broken
        # The page of what is not there, and of a sign-in that nobody began.
        assert [one for one in said if not re.search("status of 40[04]", one)] == []


def test_every_public_page_works_by_keyboard(
    place: Place, pages: list[str], chromium: Browser
) -> None:
    with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        broken = {}
        for path in pages:
            page.goto(place.url + path)
            if found := _unreached(page):
                broken[path] = found
        assert not broken


def _unreached(page: Page) -> list[str]:
    """Say what is wrong when one goes through a page with Tab alone."""
    wanted = int(page.evaluate(REACHABLE))
    reached: list[str] = []
    wrong: list[str] = []
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        one = page.evaluate(FOCUSED)
        if one is None:
            break
        reached.append(one[0])
        wrong += [] if one[1] else [f"nothing shows that the focus is on {one[0]}"]
    if len(reached) < wanted:
        wrong.append(f"{len(reached)} of {wanted} reached: {reached}")
    return wrong


def test_every_public_page_is_whole_without_javascript(
    place: Place, pages: list[str], chromium: Browser
) -> None:
    with chromium.new_context(java_script_enabled=False) as off, chromium.new_context() as on:
        without, scripted = off.new_page(), on.new_page()
        for path in pages:
            for page in (without, scripted):
                page.goto(place.url + path)
            expect(without.locator("h1:visible")).to_have_count(1)
            if path == "/watch":  # A picture is hashed in the browser, as the page says.
                expect(without.locator("[data-without]")).to_be_visible()
            elif without.locator(OFFERED).count() < scripted.locator(OFFERED).count():
                pytest.fail(f"{path} offers less without JavaScript")
