"""Plaza asks first; each side reads its own words, and nobody learns who is a child."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from plaza_scene import Running, Visitor
from plaza_town import Town

from browsing import browser, violations
from plaza import safety

ADULT, TEEN, OTHER = "v-alex", "v-sam", "g-ben"


def trial(visitor: Visitor, action: str, other: str = "", **more: str) -> str:
    """Try one thing and return the first line of what one has tried."""
    page = visitor.send("/safety", action=action, other=other, **more)
    found = re.search(r'<li id="deed-\d+">(.*?)</li>', page, re.DOTALL)
    assert found, page
    return " ".join(re.sub("<[^>]+>", " ", found[1]).split())


@pytest.mark.parametrize("action", sorted(safety.WORDS))
def test_every_check_can_be_tried(plaza: Running, action: str) -> None:
    teen, adult = Visitor(plaza.url).be(TEEN), Visitor(plaza.url).be(ADULT)
    for visitor, other in ((teen, ADULT), (adult, TEEN)):
        other = other if action in safety.WITH else ""
        assert trial(visitor, action, other).startswith(("open", "asks first", "not now"))


def test_an_adult_does_not_reach_a_child_and_does_not_learn_why(plaza: Running) -> None:
    adult, teen, ben = (Visitor(plaza.url).be(who) for who in (ADULT, TEEN, OTHER))
    status, page = adult.post(f"/messages/{TEEN}", text="Hello there")
    assert status == 422
    assert "be done here right now" in page
    assert "Hello there" not in teen.get(f"/messages/{ADULT}")
    told = teen.get("/safety")
    assert "You did nothing wrong." in told
    assert "helpline" in told
    # Somebody who blocked, and a child, look the same.
    ben.send(f"/people/{ADULT}/contact", verb="block")
    blocked = adult.post(f"/messages/{OTHER}", text="Hello there")[1]
    words = re.compile(r"<p>(This can.*?)</p>")
    assert words.findall(blocked) == words.findall(page) != []
    # Adults reach each other, and a child its contacts.
    assert "Hello" in adult.send("/messages/g-ada", text="Hello, Ada")


def test_who_is_asked_says_yes_or_no(plaza: Running) -> None:
    sam, chloe = Visitor(plaza.url).be(TEEN), Visitor(plaza.url).be("g-chloe")
    assert trial(sam, "contact.request", "g-chloe").startswith("asks first")
    page = chloe.get("/safety")
    where = re.search(r'action="(/safety/\d+/reply)"', page)
    assert where
    assert sam.post(where[1], say="yes")[0] == 404
    chloe.send(where[1], say="yes")
    assert trial(sam, "message.send", "g-chloe").startswith("open")
    assert "Hi" in sam.send("/messages/g-chloe", text="Hi, Chloé")


def test_somebody_of_unknown_age_is_a_child_where_it_is_reached(plaza: Running) -> None:
    kit, adult = Visitor(plaza.url).be("v-kit"), Visitor(plaza.url).be(ADULT)
    assert trial(kit, "message.send", TEEN).startswith("not now")
    assert trial(adult, "message.send", "v-kit").startswith("not now")
    assert trial(kit, "ad.profiled").startswith("not now")
    assert trial(kit, "livestream.start").startswith("not now")


def test_what_is_shown_depends_on_who_looks(plaza: Running) -> None:
    adult, teen = Visitor(plaza.url).be(ADULT), Visitor(plaza.url).be(TEEN)
    assert "chosen from what you do" in adult.get("/")
    page = teen.get("/")
    assert "chosen from what you do" not in page
    assert "knows nothing of you" in page
    assert "What is in your language comes first" not in page
    assert trial(teen, "notification.push", hour="2").startswith("not now")
    assert "Sam Okafor" not in adult.get("/people")


@pytest.mark.parametrize("fields", [
    {"action": "no.such"}, {"action": "call.start", "other": ADULT},
    {"action": "notification.push", "hour": "99"}, {"action": "content.view", "content": "x"},
    {"action": "notification.push", "hour": "x"}, {},
])  # fmt: skip
def test_what_cannot_be_tried(plaza: Running, fields: dict[str, str]) -> None:
    assert Visitor(plaza.url).be(ADULT).post("/safety", **fields)[0] == 422
    assert Visitor(plaza.url).be(ADULT).post("/safety/1/reply", say="yes")[0] == 404


def test_when_openhaven_is_away_it_protects(plaza: Running) -> None:
    plaza.house.safety.client.close()
    plaza.house.haven.url = "http://127.0.0.1:1"
    plaza.house.safety.client._wire._url = "http://127.0.0.1:1"
    adult = Visitor(plaza.url).be(ADULT)
    assert adult.post(f"/messages/{OTHER}", text="Hello there")[0] == 422
    assert "Something I wrote" in adult.send("/posts", text="Something I wrote")
    assert "cannot be asked" in adult.get("/safety/settings")


@pytest.fixture
def page(town: Town) -> Iterator[Page]:
    with browser() as running:
        yield running.new_page(viewport={"width": 390, "height": 844})


def be(page: Page, url: str, name: str) -> None:
    page.goto(f"{url}/enter?next=/safety")
    page.get_by_role("button", name=name).click()
    page.get_by_role("heading", name="May I?").wait_for()


def sound(page: Page) -> None:
    assert violations(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.slow
def test_in_a_browser_with_the_real_openhaven_by_keyboard(town: Town, page: Page) -> None:
    url = town.plaza.url
    be(page, url, "Alex Morgan")
    page.get_by_label("With whom?").select_option("v-sam")
    page.get_by_label("Call them").focus()
    page.keyboard.press("Space")
    sound(page)
    page.get_by_role("button", name="Try it").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What you tried").wait_for()
    expect(page.get_by_text("be done here right now").first).to_be_visible()
    sound(page)
    be(page, url, "Sam Okafor")
    page.get_by_text("You did nothing wrong.").first.wait_for()
    sound(page)
    page.goto(url + "/safety/settings")
    page.get_by_label("Now").first.wait_for()
    sound(page)
    form = page.locator(
        "li", has=page.get_by_role("heading", name="Films that start by themselves")
    )
    form.get_by_label("Now").select_option("on")
    form.get_by_role("button").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Before you open this").wait_for()
    sound(page)
    page.get_by_role("button", name="Yes, open it").focus()
    page.keyboard.press("Enter")
    page.get_by_text("You chose this.").first.wait_for()
    page.goto(url + "/safety")
    page.get_by_role("link", name="Is your age wrong?").click()
    page.get_by_role("heading", name="Your age here").wait_for()
    sound(page)
