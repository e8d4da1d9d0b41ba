"""The page of help in a real browser: left at once, by keyboard, on a phone, printed, mirrored."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from support_scene import put, service
from web_scene import Place, serving

from browsing import faults
from openhaven import staff
from openhaven.core import Actor
from openhaven.line import Haven

pytestmark = pytest.mark.slow
# The harmless page outside: answered here, so that nothing leaves this machine.
OUTSIDE = "**://www.wikipedia.org/**"


@pytest.fixture
def place(haven: Haven) -> Iterator[Place]:
    put(haven, service("gb-line", topics=("suicide",), text="12345", hours="24/7", cost="free",
                       chat="https://example.org/chat", web="https://example.org/a"))  # fmt: skip
    with serving(haven, ()) as running:
        yield running


def opened(chromium: Browser, place: Place, **more: object) -> BrowserContext:
    context = chromium.new_context(base_url=place.url, **more)  # type: ignore[arg-type]
    context.route(OUTSIDE, lambda route: route.fulfill(body="<title>An encyclopedia</title>"))
    return context


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_it_is_accessible(place: Place, chromium: Browser, width, scheme, language) -> None:
    with opened(chromium, place, viewport={"width": width, "height": 800}, color_scheme=scheme,
                reduced_motion="reduce") as context:  # fmt: skip
        page = context.new_page()
        for query in ("", "country=GB&topic=suicide,sextortion&age_band=13-15"):
            page.goto(f"/help?lang={language}&{query}")
            assert not faults(page)


def test_the_consoles_list_is_accessible(haven: Haven, place: Place, chromium: Browser) -> None:
    with haven.db.begin(Actor("system", "test")) as tx:
        link = staff.sign_in_link(tx, staff.create(tx, "Ida", ("administrator",)))
    for width in (1280, 360):
        with opened(chromium, place, viewport={"width": width, "height": 800}) as context:
            page = context.new_page()
            if width == 1280:
                page.goto(link)
                page.get_by_role("button", name="Sign in").click()
                cookies = context.cookies()
            context.add_cookies(cookies)  # type: ignore[arg-type]
            for path in ("/console/helplines", "/console/helplines/gb-childline"):
                page.goto(path)
                expect(page.get_by_role("heading", level=1)).to_be_visible()
                assert not faults(page)


def test_a_choice_goes_by_keyboard_and_stays_in_no_address(place: Place, chromium: Browser) -> None:
    with opened(chromium, place, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/help")
        page.get_by_label("Where are you?").focus()
        page.keyboard.type("United K")
        page.keyboard.press("Tab")
        page.keyboard.type("Thoughts")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Call 0000 1111").wait_for()
        expect(page).to_have_url(f"{place.url}/help")
        assert page.title() == "Information – Testplace"


def test_what_a_link_asked_for_does_not_stay_in_the_history(
    place: Place, chromium: Browser
) -> None:
    with opened(chromium, place) as context:
        page = context.new_page()
        page.goto("/help?topic=suicide&country=GB&lang=de")
        page.wait_for_url("**/help?lang=de")
        expect(page.locator('a[href="tel:00001111"]')).to_be_visible()


def leave_by_click(page: Page) -> None:
    page.get_by_role("link", name="Leave this page quickly").click()


def leave_by_escape(page: Page) -> None:
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")


@pytest.mark.parametrize("leave", [leave_by_click, leave_by_escape])
def test_leaving_takes_the_page_out_of_the_history(place: Place, chromium: Browser, leave) -> None:
    with opened(chromium, place) as context:
        page = context.new_page()
        page.goto("/")
        page.goto("/help")
        leave(page)
        page.wait_for_url(OUTSIDE)
        page.go_back()
        assert urlsplit(page.url).path == "/"


def test_one_escape_alone_leaves_nothing(place: Place, chromium: Browser) -> None:
    with opened(chromium, place) as context:
        page = context.new_page()
        page.goto("/help")
        page.keyboard.press("Escape")
        page.wait_for_timeout(1_200)
        page.keyboard.press("Escape")
        page.wait_for_timeout(200)
        assert urlsplit(page.url).path == "/help"


def test_leaving_works_without_a_script(place: Place, chromium: Browser) -> None:
    with opened(chromium, place, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/help")
        leave_by_click(page)
        page.wait_for_url(OUTSIDE)


def test_nothing_is_fetched_from_elsewhere_and_no_trace_is_left(
    place: Place, chromium: Browser
) -> None:
    with opened(chromium, place) as context:
        page = context.new_page()
        asked: set[str] = set()
        page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        page.goto("/help?country=GB")
        page.get_by_role("button", name="Show who can help").click()
        page.wait_for_load_state("networkidle")
        assert asked == {urlsplit(place.url).netloc}
        assert context.cookies() == []
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_the_paper_has_the_help_and_not_the_form(place: Place, chromium: Browser) -> None:
    with opened(chromium, place) as context:
        page = context.new_page()
        page.goto("/help?country=GB&topic=suicide")
        page.emulate_media(media="print")
        expect(page.get_by_text("0000 1111")).to_be_visible()
        assert not page.get_by_label("Where are you?").is_visible()
        ways_out = page.get_by_text("Leave this page quickly").all()
        assert len(ways_out) == 2, "the button, and the sentence about it"
        assert not any(one.is_visible() for one in ways_out)
