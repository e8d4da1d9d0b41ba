"""What a newcomer reads, and what staff see of who comes back: in a real browser, by keyboard."""

from collections.abc import Iterator

import pytest
from line_scene import OPERATOR, scene
from pages_visitor import Visitor
from playwright.sync_api import Browser, Page
from returning_scene import DEVICE, MAIL, Return
from web_scene import Place, serving

from browsing import faults
from openhaven import staff
from openhaven.exchange.returning import lists
from openhaven.line import Haven

pytestmark = pytest.mark.slow
SIZES = ({"width": 1280, "height": 900}, {"width": 360, "height": 800})


@pytest.fixture(scope="module")
def place(module_haven: Haven) -> Iterator[Place]:
    with serving(module_haven) as found:
        yield found


@pytest.fixture(scope="module")
def back(module_haven: Haven) -> Return:
    here = scene(module_haven)
    made = Return(here, here.reviewer("ana"), here.reviewer("ben"))
    made.hand_over(made.ended())
    with module_haven.db.begin(OPERATOR) as tx:
        lists.agree(tx, "shelter", bytes(32), lists.public_key(tx), ["grooming"], 90)
    return made


@pytest.fixture(scope="module")
def page(chromium: Browser, place: Place, back: Return) -> Iterator[Page]:
    with back.haven.db.begin(OPERATOR) as tx:
        link = staff.sign_in_link(tx, staff.create(tx, "Lou", ("policy", "appeals", "specialist")))
    name, _, value = Visitor(place).enter(link).cookie.partition("=")
    with chromium.new_context(base_url=place.url, java_script_enabled=True) as context:
        context.add_cookies([{"name": name, "value": value, "url": place.url}])
        context.route("**/stream", lambda route: route.abort())
        yield context.new_page()


def test_a_newcomer_reads_writes_and_is_answered(
    chromium: Browser, place: Place, back: Return, page: Page
) -> None:
    url = back.comes(MAIL, DEVICE, account="newcomer")["returning"]["contest_url"]
    path = url.removeprefix(back.haven.settings.url)
    phone = {"viewport": SIZES[1], "java_script_enabled": False, "base_url": place.url}
    with chromium.new_context(**phone) as context:
        theirs = context.new_page()
        theirs.goto(path)
        assert "You have not been refused" in theirs.inner_text("main")
        theirs.fill("#text", "We live together and share a tablet.")
        theirs.press("#text", "Tab")
        theirs.keyboard.press("Enter")
        theirs.wait_for_selector("text=A person is looking at what you told us")
        for language in ("de", "fr", "it", "ja", "es"):
            theirs.goto(f"{path}?lang={language}")
            assert theirs.locator("html").get_attribute("lang") == language
            assert "looking" not in theirs.inner_text("main")
    page.goto("/console/returning/contests")
    page.locator("main table a").first.click()
    page.wait_for_selector("text=share a tablet")
    assert "E-mail address or phone number" in page.inner_text("main")
    assert faults(page) == []
    page.check("input[value=else]")
    page.fill("#reasons", "Somebody else lives there, too.")
    page.press("#reasons", "Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/returning/contests")
    page.goto(path)
    page.wait_for_selector("text=You are somebody else")
    assert faults(page) == []


@pytest.mark.parametrize("path", [
    "/console/returning", "/console/returning?newcomers=100000&ended=1000&again=10&home=5",
    "/console/returning/contests", "/console/returning/lists", "task", "met", "newcomer",
    "/transparency",
])  # fmt: skip
def test_its_pages_are_for_everybody(page: Page, back: Return, path: str) -> None:
    if not path.startswith("/"):
        met = back.comes(MAIL, DEVICE)
        path = {
            "task": f"/console/tasks/{met['task']}",
            "met": f"/console/returning/tasks/{met['task']}",
            "newcomer": met["returning"]["contest_url"].removeprefix(back.haven.settings.url),
        }[path]
    for size in SIZES:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert faults(page) == []
    assert "grooming" not in page.inner_text("main") or "/lists" in path


def test_a_list_is_sent_from_the_page(page: Page, back: Return) -> None:
    page.goto("/console/returning/lists")
    page.set_input_files("#file", {"name": "list.json", "mimeType": "application/json",
                                   "buffer": b'{"format": "none"}'})  # fmt: skip
    page.click("text=Check it, and ask a second person")
    page.wait_for_selector("text=Nothing of it is taken")
    assert "It is no list of this form." in page.inner_text("main")
    page.goto("/console/returning/lists")
    page.locator("section[aria-labelledby=out] button").click()
    page.wait_for_selector("text=waits for a second person")
    assert faults(page) == []
    with back.haven.db.read() as tx:
        assert [one.state for one in lists.lists(tx)] == ["asked", "refused"]
