"""The pages of due process in a real browser: no faults, by keyboard, on a phone, no script."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_scene import Town, town_on
from decisions_scene import judged, made_by, rules, sent
from line_receiver import receiving
from line_scene import OPERATOR
from playwright.sync_api import Browser, Page

from browsing import faults
from openhaven import intake, review, staff
from openhaven.core import Actor
from openhaven.intake.flaggers import issue
from openhaven.line import Haven
from openhaven.staff import approvals

pytestmark = pytest.mark.slow
# Where pictures of the pages are put for somebody to look at, when it is set.
SHOTS = os.environ.get("OPENHAVEN_SHOTS", "")


@pytest.fixture
def town(haven: Haven) -> Iterator[Town]:
    with receiving() as receiver, town_on(haven, receiver) as opened:
        yield opened


def looked(page: Page, url: str, name: str) -> None:
    """Look at a page as wide as a desk and as a phone."""
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(url)
        for fold in page.locator("details").all():
            fold.evaluate("one => { one.open = true }")
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)
        assert faults(page) == [], (name, width)


def signed_in(town: Town, chromium: Browser, who: str, *, script: bool) -> Page:
    name, _, value = town.cookie(who)["cookie"].partition("=")
    context = chromium.new_context(java_script_enabled=script, bypass_csp=True)
    context.add_cookies([{"name": name, "value": value, "url": town.place.url}])
    return context.new_page()


def full(town: Town) -> dict[str, str]:
    """Fill the house: a task in hand, a decision with copies, requests, a flagger, a report."""
    rules(town.here)
    ana, adm = town.person("ana"), town.person("adm", "administrator")
    assert isinstance(adm, Actor)
    words = "Come to the bridge at nine and bring what you can carry, all of you, a zorgblat, " * 2
    bodies = [sent(town.here, words) for _ in range(3)]
    open_ = town.here.verdict(sent(town.here, "a zorgblat now")["id"])["task"]
    first = str(town.here.verdict(bodies[0]["id"])["task"])
    made = made_by(town.here, judged(town.here, ana, first, "remove"))
    assert made is not None
    item = sent(town.here, "What a nice day")["item"]["id"]
    about = intake.Report(subject=intake.ReportSubject(item=item), category="hate")
    with town.haven.db.begin(OPERATOR) as tx:
        receipt = intake.accept_report(tx, town.here.platform, about)
        issue(tx, "Harbour Watch", intake.platform_named(tx, "here"), ["scam", "hate"])
    town.work()
    sql = """SELECT t.id FROM tasks t JOIN cases c ON c.id = t.case_id
             WHERE c.item = %(i)s AND t.state = 'open'"""
    judged(town.here, ana, town.rows(sql, i=item)[0]["id"], "allow")
    with town.haven.db.begin(ana) as tx:
        approvals.ask(tx, "bulk", "cpl_x", "Many of them.")
        review.claim(tx, open_)
    with town.haven.db.begin(OPERATOR) as tx:
        staff.set_staffing(tx, "two")
    return {"task": open_, "made": str(made["id"]), "receipt": receipt}


def test_pages(town: Town, chromium: Browser) -> None:
    about, url = full(town), town.place.url
    page = signed_in(town, chromium, "ana", script=True)
    looked(page, f"{url}/console/tasks/{about['task']}", "task")
    looked(page, f"{url}/console/decisions/{about['made']}", "decision")
    looked(page, f"{url}/console/decisions/{about['made']}/copies", "copies")
    looked(page, f"{url}/console/second", "second")
    looked(signed_in(town, chromium, "adm", script=True), f"{url}/console/flaggers", "flaggers")
    public = chromium.new_context(bypass_csp=True).new_page()
    for name, path in (("report", "/report"), ("state", f"/report/{about['receipt']}"),
                       ("figures", "/transparency")):  # fmt: skip
        looked(public, url + path, name)
    _by_keyboard_without_script(town, chromium, about)


def _by_keyboard_without_script(town: Town, chromium: Browser, about: dict[str, Any]) -> None:
    """Who reported asks again, and a reviewer restricts by a measure, with keys alone."""
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(f"{town.place.url}/report/{about['receipt']}")
    page.get_by_label("Why do you think").focus()
    page.keyboard.type("Look at the second line.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="You asked us to look again").wait_for()
    page = signed_in(town, chromium, "ana", script=False)
    page.goto(f"{town.place.url}/console/tasks/{about['task']}")
    page.get_by_text("How, where, from when").focus()
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="Restrict").check()
    page.get_by_label("How is it restricted?").select_option("demote")
    page.get_by_label("Under which clause?").select_option("kind")
    page.get_by_label("What did you see").fill("It calls for it.")
    page.get_by_label("For how many days?").fill("7")
    page.get_by_role("button", name="Send your judgement").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    terms = town.rows("SELECT terms FROM judgements WHERE outcome = 'restrict'")
    assert [one["terms"]["measure"] for one in terms] == ["demote"]
