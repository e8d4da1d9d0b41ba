"""The whole story in a real browser on the real demo: reported, removed, appealed, all undone."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from receipts_checked import check_by_command, check_offline, save_receipt
from story_scene import (
    Demo,
    become,
    press,
    sign_in,
    sound,
    task_about,
    visitor,
    wait_for,
)

pytestmark = pytest.mark.slow

ASKED = "Is a flumquist allowed here?"


def test_the_whole_story(demo: Demo, chromium: Browser, tmp_path: Path) -> None:
    person, reporter = visitor(chromium), visitor(chromium, width=390)
    planted_and_removed(demo, person)
    post = written(demo, person)
    report = reported(demo, reporter, post)

    one, two = visitor(chromium), visitor(chromium)
    sign_in(one, demo.links[0])
    sound(one, "console")
    decided(demo, one, post)

    # The post disappears; its author learns why, and its reporter what came of it.
    wait_for(person, post, "removed")
    sound(person, "plaza-removed")
    wait_for(reporter, post, "This was removed")
    assert ASKED not in reporter.inner_text("main")
    wait_for(reporter, report, "It was removed.")
    sound(reporter, "phone-outcome")
    with reporter.expect_navigation():
        reporter.click("text=Look it up where it is decided")
    expect(reporter.locator("main")).to_contain_text("It was removed")
    sound(reporter, "phone-report-state")
    told(demo, person, reporter)

    # The decision counts, until it does not.
    decision = decision_of(demo, one, post)
    expect(one.locator("section[aria-labelledby=strike]")).to_contain_text("It counts until")
    appeal = person.url
    receipt = save_receipt(person, tmp_path)
    check_by_command(demo, person, receipt)
    shown = check_offline(chromium, demo, receipt)
    assert decision.rpartition("/")[2] in shown
    assert "The post uses a word" in shown

    appealed(person)
    sign_in(two, demo.links[1])
    upheld(demo, one, two)

    # Everything is undone, and both are told.
    wait_for(person, appeal, "Your appeal was successful")
    wait_for(person, appeal, "Putting back what was removed: done")
    sound(person, "appeal-upheld")
    wait_for(person, post, "restored")
    sound(person, "plaza-restored")
    wait_for(reporter, post, ASKED)
    wait_for(person, f"{demo.plaza}/notices", "Asking is allowed.")
    two.goto(decision)
    expect(two.locator("section[aria-labelledby=strike]")).to_contain_text("It was lifted")
    sound(two, "decision")
    two.goto(f"{demo.haven}/console/decisions")
    sound(two, "decisions")
    two.goto(f"{demo.haven}/console/deliveries")
    sound(two, "deliveries")

    # What was saved before still proves what it did, and nothing was altered since.
    check_by_command(demo, person, receipt)
    wait_for(person, f"{demo.haven}/transparency", "Decisions in the week from")
    sound(person, "transparency")
    demo.openhaven("ledger", "verify")


def planted_and_removed(demo: Demo, person: Page) -> None:
    """Within seconds a planted post is removed, and everybody sees why."""
    wait_for(person, demo.plaza, "This was removed under")
    sound(person, "plaza")
    with person.expect_navigation():
        person.click("text=What happened and why >> nth=0")
    sound(person, "plaza-planted")


def written(demo: Demo, person: Page) -> str:
    """Post what only a person can judge; return its address."""
    become(person, demo, "Somebody new")
    person.goto(demo.plaza)
    person.fill("#text", ASKED)
    with person.expect_navigation():
        person.click("text=Publish")
    return person.url.partition("#")[0]


def reported(demo: Demo, reporter: Page, post: str) -> str:
    """Report it as somebody else; return the address of the report."""
    become(reporter, demo, "Kit Winter")
    wait_for(reporter, post, ASKED)
    with reporter.expect_navigation():
        reporter.click("article a:has-text('Report')")
    reporter.check("input[value=bullying]")
    reporter.fill("textarea", "They ask this every day, to tease me.")
    sound(reporter, "phone-plaza-report")
    with reporter.expect_navigation():
        reporter.click("text=Send the report")
    address = reporter.url
    wait_for(reporter, address, "A person is looking at it")
    return address


def decided(demo: Demo, one: Page, post: str) -> None:
    """Find the task, which holds the rule's question and the report, and remove the post."""
    task = task_about(one, demo, post.rpartition("/")[2])
    one.goto(task)
    expect(one.locator("main")).to_contain_text("They ask this every day")
    assert "Kit Winter" not in one.inner_text("main")
    press(one, "Claim this task")
    sound(one, "task")
    one.check("input[name=outcome][value=remove]")
    one.fill("#facts", "The post uses a word that the made-up rule forbids.")
    one.focus("#facts")
    press(one, "Send")


def told(demo: Demo, person: Page, reporter: Page) -> None:
    """The author reads why, and opens the page of the decision; nobody names who reported it."""
    wait_for(person, f"{demo.plaza}/notices", "The post uses a word")
    assert "Kit Winter" not in person.inner_text("main")
    sound(person, "plaza-notice")
    with person.expect_navigation():
        person.click("text=Read more, or appeal")
    assert person.url.startswith(f"{demo.haven}/appeal/")
    sound(person, "appeal")


def decision_of(demo: Demo, page: Page, post: str) -> str:
    """Find the record of the decision as a reviewer does, by the post; return its address."""
    page.goto(post)
    page.click("text=The decision, in the console")
    page.wait_for_url(f"{demo.haven}/console/decisions/*")
    return page.url


def appealed(person: Page) -> None:
    person.fill("#text", "I only asked whether the word is allowed.")
    with person.expect_navigation():
        person.click("text=Send the appeal")
    expect(person.locator("body")).to_contain_text("is being looked at")


def upheld(demo: Demo, one: Page, two: Page) -> None:
    """Whoever decided cannot hear the appeal; another reviewer upholds it, by keyboard."""
    hearing = task_about(two, demo, "I only asked whether", "appeals")
    one.goto(hearing)
    assert one.query_selector("text=Claim this task") is None
    two.goto(hearing)
    press(two, "Claim this task")
    sound(two, "appeal-task")
    two.check("input[name=outcome][value=upheld]")
    two.fill("#facts", "Asking is allowed.")
    two.focus("#facts")
    press(two, "Send")


def test_what_is_shown_on_a_phone(demo: Demo, chromium: Browser) -> None:
    phone = visitor(chromium, width=390)
    for name, address in {
        "phone-plaza": demo.plaza,
        "phone-report": f"{demo.haven}/report?platform=plaza&item=post-1",
        "phone-help": f"{demo.haven}/help",
        "phone-removal": f"{demo.haven}/removal",
        "phone-missing": f"{demo.haven}/nothing-here",
    }.items():
        phone.goto(address)
        sound(phone, name)
    sign_in(phone, demo.sign_in_link("Reviewer one"))
    phone.goto(f"{demo.haven}/console")
    sound(phone, "phone-console")


def test_a_draft_of_rules_and_a_question_beside_the_phone(demo: Demo, chromium: Browser) -> None:
    """Look at the rules' editor as a reviewer, and at what a child may ask on Plaza."""
    child, editor = visitor(chromium), visitor(chromium)
    become(child, demo, "Sam Okafor")
    child.goto(f"{demo.plaza}/safety")
    child.check("input[name=action][value='contact.request']")
    with child.expect_navigation():
        child.click("text=Try it")
    sound(child, "plaza-safety")
    sign_in(editor, demo.sign_in_link("Reviewer two"))
    editor.goto(f"{demo.haven}/console/rules/drafts")
    editor.fill("#title", "Ask a person about two more words")
    with editor.expect_navigation():
        editor.click("button:has-text('Start a draft')")
    if "/edit" not in editor.url:
        with editor.expect_navigation():
            editor.click("main a:has-text('Write on it')")
    sound(editor, "rules-editor")


def test_a_report_without_javascript_gets_a_receipt(demo: Demo, chromium: Browser) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(f"{demo.haven}/report?platform=plaza&item=post-77")
    page.select_option("select[name=category]", index=1)
    page.fill("textarea", "Please look at this.")
    with page.expect_navigation():
        page.click("main form button:has-text('Send')")
    receipt = re.search(r"[0-9a-f]{4}(-[0-9a-f]{4}){4}", page.inner_text("body"))
    assert receipt
    page.goto(f"{demo.haven}/report/{receipt.group()}")
    assert "report" in page.inner_text("main").lower()
