"""A change of the rules in a real browser, with the real processes: from a mistake to the way back.

Ada writes and Ben reads. What they see is checked for accessibility on the way; that it came into
force is seen from what a platform is answered.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from line_house import House, stopping
from line_scene import Scene, event
from line_scene import scene as wired
from playwright.sync_api import Browser, Page, expect

from browsing import follow, violations
from openhaven import staff
from openhaven.core import new_id, system
from openhaven.line import Haven
from stopwatch import stopwatch

pytestmark = pytest.mark.slow
RULE = """
# Only to try things out: what is said about a lake.
- id: lakes-are-looked-at
  clause: demo
  on: [post.create]
  when: item.text.contains("lake") && account.age_days < 3
  then: {outcome: review, harm: other}
"""
EXAMPLES = """
- name: Somebody at the lake
  event: {kind: post.create, item: {text: "a day at the lake"}}
  must_match: [lakes-are-looked-at]

- name: Somebody at the sea
  event: {kind: post.create, item: {text: "a day at the sea"}}
  must_not_match: any
"""


class Place:
    """The running house: pages for people, and a platform that asks about posts."""

    def __init__(self, here: Scene, house: House) -> None:
        self.here = here
        self.url = f"http://127.0.0.1:{house.port}"

    def ask(self) -> str:
        """Return the outcome for a post at the lake."""
        headers = {"authorization": f"Bearer {self.here.key}"}
        body: dict[str, Any] = event(account={"id": new_id("a")})
        reply = urllib3.request("POST", f"{self.url}/v1/events?wait=verdict", json=body,
                                headers=headers, retries=5)  # fmt: skip
        while reply.status == 202:
            # It did not come in time, on a slow machine; the worker has it.
            reply = urllib3.request("GET", f"{self.url}/v1/events/{body['id']}", headers=headers)
        assert reply.status == 200, reply.data
        return str(reply.json()["outcome"])

    def becomes(self, outcome: str) -> None:
        """Wait until posts at the lake have this outcome."""
        with stopwatch() as seconds:
            while self.ask() != outcome:
                assert seconds() < 60, f"it is not {outcome} after a minute"

    def link(self, name: str) -> str:
        with self.here.haven.db.begin(system("tests")) as tx:
            return staff.sign_in_link(tx, staff.create(tx, name, ("policy",)))


@pytest.fixture
def place(haven: Haven) -> Iterator[Place]:
    here = wired(haven)
    house = House(here)
    with stopping(house.start("serve")), stopping(house.start("work")):
        house.wait()
        yield Place(here, house)


def somebody(place: Place, chromium: Browser, name: str, **how: Any) -> Page:
    """Sign somebody in who keeps the rules; whatever a script or the policy refuses fails."""
    page = chromium.new_context(base_url=place.url, **how).new_page()
    page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.goto(place.link(name))
    page.get_by_role("button", name="Sign in").click()
    follow(page, "Rules", "Rules")
    return page


complaints: list[str] = []


def sound(page: Page) -> None:
    found = violations(page)
    assert found == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def test_a_change_of_the_rules_from_a_mistake_to_the_way_back(
    place: Place, chromium: Browser
) -> None:
    assert [place.ask() for _ in range(6)] == ["allow"] * 6
    ada = somebody(place, chromium, "Ada")
    ben = somebody(place, chromium, "Ben", viewport={"width": 390, "height": 844})
    begin(ada)
    mistakes_are_marked_and_mended(ada)
    path = ada.url.partition("/edit")[0]
    back_tested(ada, path)
    ada.goto(path)
    ada.get_by_role("button", name="Ask a second person").click()
    expect(ada.get_by_text("you cannot approve it yourself")).to_be_visible()
    sound(ada)
    read_and_approved(ben)
    place.becomes("review")
    rolled_back(ben)
    place.becomes("allow")
    assert complaints == []


def begin(ada: Page) -> None:
    expect(ada.get_by_role("heading", name="Rules", exact=True)).to_be_visible()
    row = ada.get_by_role("row").filter(has=ada.get_by_role("link", name="demo-word-to-remove"))
    expect(row).to_contain_text("Removed")
    sound(ada)
    ada.get_by_role("link", name="Start a draft").click()
    ada.get_by_label("What is it for?").fill("Posts about lakes of new people")
    ada.get_by_role("button", name="Start a draft").click()
    expect(ada.get_by_role("heading", name="rules.yaml", exact=True)).to_be_visible()


def mistakes_are_marked_and_mended(ada: Page) -> None:
    """A mark appears as she pauses, with its line, a caret and what she may have meant."""
    field = ada.get_by_label("The text of rules.yaml")
    before = field.input_value()
    field.fill(before + RULE.replace("item.text", "item.txt"))
    line = before.count("\n") + RULE.partition("item.text")[0].count("\n") + 1
    mark = ada.get_by_role("link", name=f"rules.yaml, line {line}, column 13")
    expect(mark).to_be_visible(timeout=10_000)
    expect(ada.locator("[data-marks]")).to_contain_text("Did you mean “item.text”?")
    expect(ada.locator("[data-marks] pre")).to_contain_text("^")
    expect(ada.locator(".gutter .bad")).to_have_text(str(line))
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(ada.get_by_role("status").filter(has_text="1 mistake.")).to_be_attached()
    sound(ada)
    mark.click()
    at = field.evaluate("field => field.value.slice(0, field.selectionStart).split('\\n').length")
    assert at == line

    field.fill(before + RULE)
    expect(ada.locator("[data-marks]")).to_contain_text("No mistakes.")
    expect(ada.locator("[data-marks]")).to_contain_text("examples hold")
    expect(ada.locator(".gutter .bad")).to_have_count(0)
    ada.get_by_role("button", name="Save and check").click()
    expect(ada.get_by_text("Saved.")).to_be_visible()

    ada.get_by_role("link", name="examples.yaml", exact=True).first.click()
    field = ada.get_by_label("The text of examples.yaml")
    # The keyboard alone: an indent is kept, and the last line has none.
    field.fill(field.input_value() + EXAMPLES.replace("Somebody at the lake", "Somebody at a lake"))
    ada.get_by_role("button", name="Save and check").click()
    expect(ada.get_by_text("Saved.")).to_be_visible()
    expect(ada.locator("[data-marks]")).to_contain_text("No mistakes.")


def back_tested(ada: Page, path: str) -> None:
    """The result comes by itself, and says what would have been different."""
    ada.goto(path)
    expect(ada.locator(".plus").filter(has_text="lakes-are-looked-at").first).to_be_visible()
    sound(ada)
    ada.get_by_role("link", name="Back-test it").click()
    ada.get_by_label("What for?").fill("To see how many people would be looked at.")
    sound(ada)
    ada.get_by_role("button", name="Start the back-test").click()
    expect(ada.get_by_text("6 of 6 events would end otherwise: 6 newly acted on.")).to_be_visible(
        timeout=60_000
    )
    row = ada.get_by_role("row").filter(has_text="lakes-are-looked-at").first
    expect(row).to_contain_text("6")
    picture = ada.get_by_role("img", name="Columns show how many events")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 760
    for title in ("By clause", "Work for reviewers", "Age bands", "Languages"):
        expect(ada.get_by_role("heading", name=title)).to_be_visible()
    sound(ada)
    ada.get_by_role("button", name="Show what they say").click()
    expect(ada.get_by_text("What a nice day at the lake.").first).to_be_visible()


def read_and_approved(ben: Page) -> None:
    """Ben has a phone; he sees what changes and what was found, and says why he agrees."""
    ben.reload()
    sound(ben)
    ben.get_by_role("link", name="Drafts (1)").click()
    sound(ben)
    ben.get_by_role("link", name="Posts about lakes").click()
    expect(ben.get_by_text("6 of 6 events would end otherwise")).to_be_visible()
    line = ben.locator("tr.plus").filter(has_text="lakes-are-looked-at").first
    expect(line.locator(".sign")).to_have_text("+added")
    sound(ben)
    ben.get_by_label("Why?").fill("I read the rule and its examples, and the back-test.")
    ben.get_by_role("button", name="Approve, and put it in force").click()
    expect(ben.get_by_text("Came into force", exact=True)).to_be_visible()


def rolled_back(ben: Page) -> None:
    ben.get_by_role("link", name="What was in force", exact=True).click()
    expect(ben.get_by_text("I read the rule and its examples")).to_be_visible()
    expect(ben.get_by_role("link", name="back-tested")).to_be_visible()
    sound(ben)
    ben.get_by_label("Why?").fill("Too many people swim in lakes.")
    ben.get_by_role("button", name="Roll back").click()
    expect(ben.get_by_text("Rolled back")).to_be_visible()
    expect(ben.locator(".steps li")).to_have_count(3)
    sound(ben)
