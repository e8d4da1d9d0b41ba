"""A decision about somebody of thirteen, in words for them; and a carer who sees no content."""

import pytest
from playwright.sync_api import Browser, Page
from story_scene import Demo, become, judge, sign_in, sound, task_about, visitor, wait_for

pytestmark = pytest.mark.slow

SAID = "Nobody at school wants Kit on the team."


def test_a_child_reads_why_in_plain_words_and_a_carer_reads_nothing_of_it(
    demo: Demo, chromium: Browser
) -> None:
    child, carer = visitor(chromium, width=390), visitor(chromium, width=390)
    become(child, demo, "Sam Okafor")
    child.goto(demo.plaza)
    child.fill("#text", SAID)
    with child.expect_navigation():
        child.click("text=Publish")
    post = child.url.partition("#")[0]
    reporter, one = visitor(chromium), visitor(chromium)
    become(reporter, demo, "Kit Winter")
    wait_for(reporter, post, SAID)
    with reporter.expect_navigation():
        reporter.click("article a:has-text('Report')")
    reporter.check("input[value=bullying]")
    with reporter.expect_navigation():
        reporter.click("text=Send the report")
    sign_in(one, demo.links[0])
    task = task_about(one, demo, post.rpartition("/")[2])
    judge(one, task, "remove", "It shuts somebody out.", "no-harassment")

    wait_for(child, f"{demo.plaza}/notices", "It shuts somebody out.")
    told = child.inner_text("main")
    assert "This is about one thing, not about who you are." in told
    assert "an adult you trust" in told
    assert "If somebody is mean to you" not in told
    sound(child, "phone-child-notice")
    with child.expect_navigation():
        child.click("text=Read more, or appeal")
    sound(child, "phone-child-decision")

    named(demo, child, "Ada Lindqvist")
    become(carer, demo, "Ada Lindqvist")
    feature, value, seen = closed_further(demo, carer)
    for theirs in (SAID, "shuts somebody out", "removed", "Kit"):
        assert theirs not in seen
    wait_for(child, f"{demo.plaza}/safety/settings", "Somebody cares for your account")
    assert child.locator(f"li:has(h2:text-is('{feature}'))").locator("select").input_value() == (
        value
    )
    child.goto(f"{demo.plaza}/care")
    with child.expect_navigation():
        child.click("button:has-text('End it')")
    carer.goto(f"{demo.plaza}/care")
    assert "Sam Okafor" not in carer.inner_text("main")


def named(demo: Demo, child: Page, adult: str) -> None:
    """Name an adult who cares for oneself."""
    child.goto(f"{demo.plaza}/care")
    child.select_option("#carer", label=adult)
    with child.expect_navigation():
        child.click("text=They care for me")
    assert adult in child.inner_text("#main")
    sound(child, "phone-care")


def closed_further(demo: Demo, carer: Page) -> tuple[str, str, str]:
    """Close something as a carer; return what, its new value, and all that the carer saw."""
    carer.goto(f"{demo.plaza}/care")
    with carer.expect_navigation():
        carer.click("text=Sam Okafor")
    sound(carer, "phone-carer")
    seen = carer.inner_text("main")
    one = carer.locator("li:has(select)").first
    feature = one.locator("h2").inner_text()
    value = str(one.locator("option").first.get_attribute("value"))
    one.locator("select").select_option(value)
    with carer.expect_navigation():
        one.locator("button").click()
    return feature, value, seen
