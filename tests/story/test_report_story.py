"""From a planted placeholder to a receipt: the lane, two specialists, the report, and its ends.

The authority's pages are driven by keyboard alone, and once on a phone without scripts. The
stand-in for the authority holds what it is sent against the authority's schema.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from story_scene import PATIENCE, Demo, press, running, sign_in, sound, visitor, wait_for

from browsing import faults

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterator[Demo]:
    """Return a running demo whose stand-in knows the authority's schema."""
    schema = shared / "standards/ncmec/cybertipline-report.xsd"
    with running(tmp_path_factory.mktemp("report"), PLAZA_GENERATOR="0",
                 PLAZA_AUTHORITY_SCHEMA=str(schema)) as started:  # fmt: skip
        yield started


@pytest.fixture(scope="module")
def ada(house: Demo, chromium: Browser) -> Page:
    """Return the browser of a specialist who has signed in."""
    page = visitor(chromium)
    sign_in(page, house.links[0])
    return page


@pytest.fixture(scope="module")
def ben(house: Demo, chromium: Browser) -> Page:
    """Return the browser of another specialist."""
    page = visitor(chromium)
    sign_in(page, house.links[1])
    return page


def planted(house: Demo, chromium: Browser, ada: Page) -> str:
    """Plant a case on Plaza, on a phone; return its id once it is hidden and sealed."""
    page = visitor(chromium, width=390)
    page.goto(f"{house.plaza}/behind")
    assert "Nothing leaves this machine" in page.inner_text("#main")
    before = cases(house, ada)
    with page.expect_navigation():
        page.click("text=Plant the case")
    assert "The case is planted." in page.inner_text("#main")
    sound(page, "phone-planted-case")
    end = time.monotonic() + PATIENCE
    while not (new := cases(house, ada) - before):
        assert time.monotonic() < end, "the case never came into the lane"
        time.sleep(0.3)
    (case,) = new
    wait_for(ada, f"{house.haven}/console/lane/{case}", "Done Sealed copy made and held")
    return case


def cases(house: Demo, page: Page) -> set[str]:
    page.goto(f"{house.haven}/console/lane")
    return set(re.findall(r"/console/lane/(cas_\w+)", page.content()))


def type_into(page: Page, field: str, text: str) -> None:
    """Reach a field with Tab alone, and type over what stands in it."""
    page.focus("main")
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.id ?? ''") == field:
            page.keyboard.press("Control+A")
            page.keyboard.type(text)
            return
    raise AssertionError(f"no way to {field} by keyboard on {page.url}")


def push(page: Page, words: str) -> None:
    """Press a control from the top of the page, by keyboard alone."""
    page.focus("main")
    press(page, words)


def received(house: Demo, chromium: Browser) -> dict[str, str]:
    """Return what the stand-in says of its reports: the state of each by its number."""
    page = visitor(chromium)
    page.goto(f"{house.plaza}/behind")
    with page.expect_navigation():
        page.click("text=See what the stand-in has received")
    assert "This is no authority." in page.inner_text("main")
    assert faults(page) == []
    rows = page.locator("tbody tr")
    found = [rows.nth(n).inner_text().split("\t") for n in range(rows.count())]
    return {row[0].strip(): row[1].strip() for row in found}


def test_from_the_match_to_the_receipt_and_what_comes_after(
    house: Demo, chromium: Browser, ada: Page, ben: Page
) -> None:
    case = planted(house, chromium, ada)
    looked_at(house, ada, case)
    path = f"{house.haven}/console/cases/{case}/report/ncmec"

    # Both specialists have the form open; what is missing is named, and nothing is lost by it.
    ben.goto(path)
    ada.goto(f"{house.haven}/console/lane/{case}")
    push(ada, "Write the report")
    assert ada.url == path
    sound(ada, "report-form")
    shown = ada.inner_text("main")
    assert "The report will say: viewed." in shown
    assert "answers for the authority" in shown
    type_into(ada, "ips", "999.1.1.1 2026-01-02T03:04Z 443 Login")
    type_into(ada, "notes", "A placeholder, nothing else.")
    push(ada, "File it")
    missing = ada.inner_text("section[aria-labelledby=missing]")
    assert "This is no IPv4 or IPv6 address." in missing
    assert ada.input_value("#notes") == "A placeholder, nothing else."
    type_into(ada, "ips", "192.0.2.7 2026-01-02T03:04Z 443 Login")
    push(ada, "Keep and look again")
    assert "Nothing. It fits" in ada.inner_text("section[aria-labelledby=missing]")
    said = ada.inner_text("section[aria-labelledby=preview]")
    for words in ("192.0.2.7", "A placeholder, nothing else.", "viewed by us\tyes"):
        assert words in said
    push(ada, "File it")
    filing = ada.url
    wait_for(ada, filing, "received by the authority")
    sound(ada, "report-receipt")
    first = ada.inner_text("dt:has-text('Reference') + dd").strip()

    # Who had the form open as well files nothing a second time.
    push(ben, "File it")
    assert re.search("filed already|follows a report|meanwhile", ben.inner_text("main"))
    assert received(house, chromium) == {first: "finished"}

    # The duties end, and what was reported is held for a year.
    ada.goto(f"{house.haven}/console/lane/{case}")
    shown = ada.inner_text("main")
    assert "Done Every authority told, or a reason given why not" in shown.replace("\n", " ")
    assert "covered by another report" in shown
    holds = ada.inner_text("section[aria-labelledby=holds-title]")
    assert f"Content of a CyberTipline report ({first}): until" in holds
    assert first in ada.inner_text("section[aria-labelledby=custody-title]")
    supplemented(house, chromium, ada, case, first)
    house.openhaven("ledger", "verify")


def looked_at(house: Demo, page: Page, case: str) -> None:
    """Look at the picture, which is recorded, and decide."""
    page.goto(f"{house.haven}/console/lane/{case}")
    shown = page.inner_text("main")
    assert "report due in" in shown
    assert "It waits for the report that counts here as well." in shown
    assert "No: nobody was shown the whole of it" in shown
    sound(page, "report-case")
    task = str(page.get_attribute("a:has-text('Look at it and decide')", "href"))
    page.goto(house.haven + task)
    press(page, "Claim this task")
    press(page, "Show in grey")
    clear = page.locator("img[src$='/clear']")
    clear.scroll_into_view_if_needed()
    page.wait_for_function("() => [...document.images].every(one => one.complete)")
    page.check("input[name=outcome][value=remove]")
    page.select_option("select[name=clause]", "child-abuse-pictures")
    page.fill("#facts", "It is the placeholder of the demo.")
    page.focus("#facts")
    press(page, "Send")
    wait_for(page, f"{house.haven}/console/lane/{case}", "Yes, by")


def supplemented(house: Demo, chromium: Browser, ada: Page, case: str, first: str) -> None:
    """Write a supplement on a phone without scripts; it names the report before."""
    phone = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    phone.add_cookies(ada.context.cookies())  # type: ignore[arg-type]
    page = phone.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(f"{house.haven}/console/cases/{case}/report/ncmec")
    assert "Supplement to NCMEC" in page.inner_text("h1")
    page.fill("#notes", "Found later.")
    page.click("button:has-text('File it')")
    page.wait_for_url("**/console/filings/fil_*")
    wait_for(page, page.url, "received by the authority")
    assert first in page.inner_text("main")
    assert sorted(received(house, chromium).values()) == ["finished", "finished"]
    phone.close()


def test_what_does_not_get_through_is_seen_and_can_be_taken_back(
    house: Demo, chromium: Browser, ada: Page, tmp_path: Path
) -> None:
    case = planted(house, chromium, ada)
    credentials = tmp_path / "account"
    credentials.write_text("demo\nwrong\n")
    house.openhaven("authorities", "account", str(credentials))
    before = received(house, chromium)
    ada.goto(f"{house.haven}/console/cases/{case}/report/ncmec")
    push(ada, "File it")
    filing = ada.url
    registry = f"{house.haven}/console/filings"
    wait_for(ada, registry, "The report does not get through to")
    sound(ada, "report-alarms")
    ada.goto(filing)
    push(ada, "Withdraw it")
    assert "withdrawn" in ada.inner_text("section[aria-labelledby=how]")
    credentials.write_text("demo\ndemo\n")
    house.openhaven("authorities", "account", str(credentials))
    assert received(house, chromium) == before

    # Nothing was told, so that the duty stands: it is written anew, and arrives.
    ada.goto(f"{house.haven}/console/cases/{case}/report/ncmec")
    push(ada, "File it")
    wait_for(ada, ada.url, "received by the authority")
    assert len(received(house, chromium)) == len(before) + 1
    ada.goto(registry)
    assert "does not get through" not in ada.inner_text("main")
