"""A picture taken down on request, and put back: its hashes are learned, shared, and taken back."""

import json
from pathlib import Path

import pytest
from pages_scene import gentle_picture
from playwright.sync_api import Browser, Page
from story_scene import (
    Demo,
    become,
    judge,
    sign_in,
    sound,
    task_about,
    visitor,
    wait_for,
)
from town import eventually

pytestmark = pytest.mark.slow

BANK = "removed-on-request-pdq"
CLAUSE = "intimate-pictures"


def test_an_overturned_removal_takes_hashes_back_from_whom_they_were_shared_with(
    demo: Demo, chromium: Browser, tmp_path: Path
) -> None:
    person, asker = visitor(chromium), visitor(chromium, width=390)
    post = posted(demo, person, tmp_path)
    code = asked(demo, asker, post)

    one, two = visitor(chromium), visitor(chromium)
    sign_in(one, demo.sign_in_link("Ruth", "specialist", "moderator", "appeals"))
    sign_in(two, demo.sign_in_link("Rolf", "specialist", "moderator", "appeals"))
    task = task_about(one, demo, post.rpartition("/")[2])
    judge(one, task, "remove", "It is said to show somebody against their will.", CLAUSE)

    # Whom it shows reads that it is down; a peer learns what to look out for.
    wait_for(person, post, "removed")
    follow(demo, asker, code, "It was taken down.")
    key = demo.openhaven("keys", "create", "peer", "--platform", "plaza").strip().splitlines()[0]
    eventually(lambda: BANK in demo.openhaven("bank", "list"))
    demo.openhaven("bank", "share", BANK, "--key", "peer")
    told = changes(demo, person, key)
    assert [bool(one.get("value")) for one in told["changes"]] == [True]

    # Who posted it shows that it is a drawing, and another specialist agrees.
    wait_for(person, f"{demo.plaza}/notices", "against their will")
    with person.expect_navigation():
        person.click("text=Read more, or appeal")
    appeal = person.url
    person.fill("#text", "These are coloured circles that I drew.")
    with person.expect_navigation():
        person.click("text=Send the appeal")
    judge(two, task_about(two, demo, "coloured circles", "appeals"), "upheld", "It shows nobody.")
    wait_for(person, appeal, "Putting back what was removed: done")
    wait_for(person, post, "restored")
    taken_back = eventually(lambda: list(changes(demo, person, key, told["next"])["changes"]))
    assert [one["id"] for one in taken_back] == [told["changes"][0]["id"]]
    assert "value" not in taken_back[0]
    assert "entries: 0" in demo.openhaven("bank", "show", BANK)
    follow(demo, asker, code, "it was taken back")
    demo.openhaven("ledger", "verify")


def posted(demo: Demo, person: Page, folder: Path) -> str:
    """Post a picture; return the address of the post."""
    picture = folder / "circles.png"
    picture.write_bytes(gentle_picture(11))
    become(person, demo, "Somebody who draws")
    person.goto(demo.plaza)
    person.fill("#text", "My newest picture.")
    person.click("summary:has-text('Add a picture')")
    person.set_input_files("#picture", str(picture))
    person.fill("#alt", "Coloured circles")
    with person.expect_navigation():
        person.click("text=Publish")
    return person.url.partition("#")[0]


def asked(demo: Demo, asker: Page, post: str) -> str:
    """Ask, without an account and a name, to have it taken down; return the address to follow."""
    wait_for(asker, post, "My newest picture.")
    asker.goto(f"{demo.haven}/removal")
    asker.fill("#items", post)
    asker.check("input[name=shows]")
    asker.check("input[name=consent]")
    asker.check("input[name=age][value=adult]")
    with asker.expect_navigation():
        asker.click("text=Ask to take it down")
    sound(asker, "phone-removal-asked")
    return asker.inner_text("main .receipt").strip()


def follow(demo: Demo, asker: Page, code: str, words: str) -> None:
    """Look with the code how far it is, until the page says `words`."""

    def look() -> bool:
        asker.goto(f"{demo.haven}/request")
        asker.fill("#code", code)
        with asker.expect_navigation():
            asker.click("main form button:has-text('Look')")
        return words in asker.inner_text("main")

    eventually(look)
    sound(asker, "phone-removal-state")


def changes(demo: Demo, page: Page, key: str, after: str = "") -> dict:
    """Return what a peer with this key reads of the bank."""
    address = f"{demo.haven}/v1/banks/{BANK}/changes" + (f"?after={after}" if after else "")
    answer = page.request.get(address, headers={"authorization": f"Bearer {key}"})
    assert answer.status == 200, answer.text()
    found: dict = json.loads(answer.text())
    return found
