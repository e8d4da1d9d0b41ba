"""The whole story on Matrix: a real Synapse, people with their clients, and a real browser.

What Matrix cannot undo, a redaction, is told to the person in plain words, wherever they look.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from homeserver import User, need_synapse
from playwright.sync_api import Browser, Page, expect
from receipts_checked import check_by_command, check_offline, save_receipt
from story_scene import Demo, judge, sign_in, sound, task_about, visitor, wait_for
from town import Town, database, eventually

from openhaven.core import new_id
from openhaven.storage import postgres

pytestmark = pytest.mark.slow

SAID = "You walk like a duck, said the play."


@pytest.fixture(scope="module")
def town(
    cluster: postgres.Server, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    need_synapse()
    town = Town(tmp_path_factory.mktemp("town"), database(cluster.url, template, new_id("town")))
    try:
        said = town.found()
        assert "WRONG" not in said, said
        yield town
    finally:
        town.close()


@pytest.fixture(scope="module")
def demo(town: Town) -> Demo:
    """Return the same house as the stories on Plaza know theirs; there is no Plaza here."""
    made = Demo(town.settings.url, "", [], town.settings.home, town.environment())
    made.links += [made.sign_in_link(name, "moderator", "appeals") for name in ("Rosa", "Rolf")]
    return made


def test_the_whole_story_on_matrix(
    town: Town, demo: Demo, chromium: Browser, tmp_path: Path
) -> None:
    alice, bob = town.homeserver.register("alice"), town.homeserver.register("bob")
    square = alice.room(room_alias_name="square")
    bob.join(square)

    # Somebody says something, and somebody else reports it from the menu of their client.
    event = alice.say(square, SAID)
    eventually(lambda: town.rows("SELECT 1 FROM events WHERE id = %(i)s", i=event))
    bob.report(square, event, "bullying: they say this to me every day")

    one, two, person = visitor(chromium), visitor(chromium), visitor(chromium, width=390)
    sign_in(one, demo.links[0])
    judge(one, task_about(one, demo, SAID), "remove", "It makes fun of somebody.", "no-harassment")

    # It is redacted in the room, and its author reads why, as a message in their client.
    eventually(lambda: bob.event(square, event)["content"] == {})
    notice = eventually(lambda: town.notices(alice))[0]
    assert "It makes fun of somebody." in notice
    assert "bob" not in notice
    assert "cannot be put back" in notice
    appeal = link_in(notice)

    # The link opens without an account. The receipt is saved and checked; then comes the appeal.
    person.goto(appeal)
    sound(person, "matrix-appeal")
    receipt = save_receipt(person, tmp_path)
    check_by_command(demo, person, receipt)
    assert "It makes fun of somebody." in check_offline(chromium, demo, receipt)
    person.fill("#text", "It was a line from a play that we rehearse.")
    with person.expect_navigation():
        person.click("text=Send the appeal")

    sign_in(two, demo.links[1])
    hearing = task_about(two, demo, "a line from a play", "appeals")
    one.goto(hearing)
    assert one.query_selector("text=Claim this task") is None
    judge(two, hearing, "upheld", "A line from a play wounds nobody.")
    undone_as_far_as_matrix_allows(town, alice, person, appeal)
    assert bob.event(square, event)["content"] == {}
    assert "It was lifted" in record_of(demo, two)
    demo.openhaven("ledger", "verify")


def link_in(notice: str) -> str:
    """Return the link to the page of the decision, as the client makes it clickable."""
    found = re.search(r"http://\S+/appeal/[\w-]+", notice)
    assert found, notice
    return found.group()


def undone_as_far_as_matrix_allows(town: Town, alice: User, person: Page, appeal: str) -> None:
    """Look for the same truth on the page and in the client: the words come back, the post not."""
    wait_for(person, appeal, "Your appeal was successful")
    wait_for(person, appeal, "Putting back what was removed: done, as far as the service can")
    expect(person.locator("main")).to_contain_text("it cannot be put back by itself")
    sound(person, "matrix-upheld")
    told = eventually(lambda: len(town.notices(alice)) == 3 and town.notices(alice))
    assert any("A line from a play wounds nobody." in words for words in told)
    (back,) = (words for words in told if SAID in words)
    assert "cannot be put back into its room" in back


def record_of(demo: Demo, page: Page) -> str:
    """Return what the newest decision's page says of the strike."""
    page.goto(f"{demo.haven}/console/decisions")
    with page.expect_navigation():
        page.click("main a[href*='/console/decisions/dec_'] >> nth=0")
    return page.inner_text("section[aria-labelledby=strike]")
