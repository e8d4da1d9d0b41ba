"""Who reported finds that nothing was done, asks again, and is told that they were right."""

import pytest
from playwright.sync_api import Browser, Page
from story_scene import Demo, become, judge, sign_in, sound, task_about, visitor, wait_for

pytestmark = pytest.mark.slow

SAID = "Has anybody seen a flumquist near the school?"


def written(demo: Demo, person: Page) -> str:
    become(person, demo, "Alex Morgan")
    person.goto(demo.plaza)
    person.fill("#text", SAID)
    with person.expect_navigation():
        person.click("text=Publish")
    return person.url.partition("#")[0]


def reported(demo: Demo, reporter: Page, post: str) -> str:
    """Report it on Plaza; return the address of the report at Openhaven itself."""
    become(reporter, demo, "Kit Winter")
    wait_for(reporter, post, SAID)
    with reporter.expect_navigation():
        reporter.click("article a:has-text('Report')")
    reporter.check("input[value=bullying]")
    reporter.fill("textarea", "It is about my brother.")
    with reporter.expect_navigation():
        reporter.click("text=Send the report")
    wait_for(reporter, reporter.url, "A person is looking at it")
    with reporter.expect_navigation():
        reporter.click("text=Look it up where it is decided")
    return reporter.url


def test_a_reporter_is_heard_by_somebody_else(demo: Demo, chromium: Browser) -> None:
    person, reporter = visitor(chromium), visitor(chromium, width=390)
    post = written(demo, person)
    report = reported(demo, reporter, post)
    one, two = visitor(chromium), visitor(chromium)
    sign_in(one, demo.links[0])
    judge(one, task_about(one, demo, "It is about my brother."), "allow", "It asks a question.")

    wait_for(reporter, report, "It stays")
    assert "That does not mean that you were wrong to tell us" in reporter.inner_text("main")
    sound(reporter, "phone-report-stays")
    reporter.fill("#text", "It is his nickname, and everybody knows that.")
    with reporter.expect_navigation():
        reporter.click("main button:has-text('Send')")
    assert "Another person answers by" in reporter.inner_text("main")

    # Who found nothing cannot hear it.
    hearing = task_about(one, demo, "It is his nickname", "appeals")
    one.goto(hearing)
    assert one.query_selector("text=Claim this task") is None
    sign_in(two, demo.links[1])
    judge(two, hearing, "upheld", "With the nickname it is about him.")
    wait_for(reporter, report, "You were right to ask again")
    sound(reporter, "phone-report-upheld")

    # The matter is decided anew, and they hear of that, too.
    three = visitor(chromium)
    sign_in(three, demo.sign_in_link("Reviewer three", "moderator", "appeals"))
    judge(three, task_about(three, demo, "It is about my brother."), "remove", "It is about him.")
    wait_for(reporter, report, "It was removed")
    wait_for(person, post, "removed")
    assert "nothing that goes against the rules" not in reporter.inner_text("main")
