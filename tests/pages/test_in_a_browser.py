"""Every page in a real browser: accessible, narrow and dark, by keyboard, without a script."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from pages_scene import Scene
from playwright.sync_api import Browser, BrowserContext, Page, expect
from web_scene import Place

from browsing import faults

pytestmark = pytest.mark.slow

PUBLIC = ("/", "/report", "/report/receipt", "/report/no", "/transparency", "/transparency/verify",
          "/transparency/receipts",          "/sign-in", "/nowhere")  # fmt: skip
STAFF = ("/console", "/console/decisions", "/console/deliveries", "/console/second",
         "/console/platforms",
         "/console/rules", "/console/rules/clauses", "/console/rules/drafts", "/console/rules/log",
         "/console/help")  # fmt: skip


@pytest.fixture(scope="module")
def cookies(scene: Scene, place: Place, chromium: Browser) -> list[dict]:
    """Sign Ben in as a person does, and return the cookies."""
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(place.url + scene.link("Ben"))
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Queue", exact=True)).to_be_visible()
        return context.cookies()


def all_pages(scene: Scene) -> list[str]:
    with scene.haven.db.read() as tx:
        sql = (
            """SELECT DISTINCT ON (kind, state) id FROM tasks ORDER BY kind, state, reports DESC"""
        )
        tasks = [f"/console/tasks/{row['id']}" for row in tx.rows(sql)]
        decision = tx.value("SELECT decision FROM appeals LIMIT 1")
    other = scene.decision_of("post-13")
    tokens = [f"/appeal/{scene.token(one)}" for one in (decision, other)]
    receipt = f"/report/{scene.report('post-1', 'spam')}"
    return [*PUBLIC, *STAFF, *tasks, f"/console/decisions/{decision}", *tokens, receipt]


# A window of 640 is one of 1280 at double size.
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (640, "light"), (390, "dark")])
def test_every_page_is_accessible(
    scene: Scene, place: Place, chromium: Browser, cookies: list[dict], width: int, scheme: str
) -> None:
    with chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    ) as context:
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page = context.new_page()
        broken = {}
        for path in all_pages(scene):
            page.goto(place.url + path)
            if found := faults(page):
                broken[path] = found
        assert not broken


@pytest.fixture
def plain(place: Place, chromium: Browser, cookies: list[dict]) -> Iterator[BrowserContext]:
    """Return a browser without JavaScript, signed in as Ben."""
    with chromium.new_context(java_script_enabled=False, base_url=place.url) as context:
        context.add_cookies(cookies)  # type: ignore[arg-type]
        yield context


def test_the_whole_work_goes_without_a_script(scene: Scene, plain: BrowserContext) -> None:
    page = plain.new_page()
    page.goto("/console")
    page.get_by_role("button", name="Claim the next task").click()
    page.get_by_label("No action").check()
    page.get_by_label("Under which clause?").select_option(index=1)
    page.get_by_label("What did you see").fill("Somebody who needs to be listened to.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("This is the next task")).to_be_visible()

    page.goto("/report")
    page.get_by_label("Which post, message or picture?").fill("post-2")
    page.get_by_label("What is wrong?").select_option("spam")
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("heading", name="Your receipt")).to_be_visible()


def access_key(page: Page, key: str) -> None:
    """Press Alt and a key as the window system reports it: the browser acts on the character."""
    line = page.context.new_cdp_session(page)
    code = {"key": key, "text": key, "unmodifiedText": key, "modifiers": 1}
    line.send("Input.dispatchKeyEvent", {"type": "keyDown", **code})
    line.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": key, "modifiers": 1})
    page.wait_for_timeout(100)


def test_the_keyboard_is_enough(scene: Scene, plain: BrowserContext) -> None:
    page = plain.new_page()
    page.goto("/console")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    for _ in range(30):
        page.keyboard.press("Tab")
        if "/console/tasks/" in (page.locator(":focus").get_attribute("href") or ""):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/tasks/*")
    if page.get_by_role("button", name="Claim this task").is_visible():
        access_key(page, "c")
    page.get_by_role("heading", name="Your judgement").wait_for()
    access_key(page, "1")
    expect(page.locator(":checked").first).to_have_attribute("name", "outcome")
    access_key(page, "t")
    expect(page.locator(":focus")).to_have_attribute("name", "facts")


def test_the_queue_updates_by_itself_and_can_be_paused(
    scene: Scene, place: Place, chromium: Browser, cookies: list[dict]
) -> None:
    with chromium.new_context(base_url=place.url) as context:
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto("/console")
        page.get_by_text("Live.").wait_for()
        # What comes in is replaced only where nobody's focus is.
        scene.post("watch your back tonight", account="liv")
        page.get_by_role("link", name="A threat of violence", exact=True).first.wait_for()
        page.get_by_role("button", name="Pause live updates").click()
        expect(page.get_by_text("Paused.")).to_be_visible()
        expect(page.get_by_role("button", name="Go live again")).to_be_visible()


def test_nothing_is_fetched_from_elsewhere(
    scene: Scene, place: Place, chromium: Browser, cookies: list[dict]
) -> None:
    with chromium.new_context() as context:
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page = context.new_page()
        asked: set[str] = set()
        complaints: list[str] = []
        page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        page.on("console", lambda message: complaints.append(message.text))
        for path in ("/console", "/transparency", "/report"):
            page.goto(place.url + path)
            page.wait_for_timeout(300)
        assert asked == {urlsplit(place.url).netloc}
        assert not complaints
