"""Saying that an age is wrong, and deciding it, as people do: on pages, and by keyboard."""

import re

import pytest
from pages_scene import Scene
from pages_visitor import Visitor
from web_scene import Place

from browsing import browser, violations
from openhaven.protections import accounts, appeals


def link(scene: Scene, account: str, band: str = "13-15", days: int = 30) -> str:
    """Note an age, and return the page where the person can call it wrong."""
    haven = scene.haven
    with scene.tx() as tx:
        accounts.note_age(tx, haven.protections.defaults, scene.platform, account, "estimate", band)  # type: ignore[arg-type]
        subject = accounts.subject_of(tx, scene.platform, account)
        return f"/age/{appeals.token(tx, subject, days)}"


def test_a_person_asks_and_another_decides(
    scene: Scene, ana: Visitor, ida: Visitor, anybody: Visitor
) -> None:
    path = link(scene, "young-1")
    page = anybody.text(path)
    assert "13 to 15" in page
    assert "The service made a guess." in page
    assert anybody.post(path, band="18-plus", text="").status == 400
    assert anybody.post(path, band="18-plus", text="I am 32.").status == 303
    assert "A person is looking at it" in anybody.text(path)
    listed = ana.get("/console/ages")
    task = re.search(r"/console/ages/aap_[0-9A-Za-z]+", listed.body.decode())
    assert task
    assert "I am 32." in ana.text(task[0])
    assert ida.get(task[0]).status == 403
    assert ana.post(task[0], band="older", reasons="x").status == 400
    assert ana.post(task[0], band="18-plus", reasons="").status == 400
    assert ana.post(task[0], band="18-plus", reasons="We believe you.").status == 303
    page = anybody.text(path)
    assert "We believe you." in page
    assert "18 or older" in page
    assert anybody.get(path[:-2] + "xx").status == 404


def test_a_link_ends_and_cannot_be_made_longer(scene: Scene, anybody: Visitor) -> None:
    assert anybody.get(link(scene, "young-3", days=1)).status == 200
    ended = link(scene, "young-3", days=-1)
    for reply in (anybody.get(ended), anybody.post(ended, band="18-plus", text="I am 32.")):
        assert reply.status == 410
        assert b"This link has ended." in reply.body
        assert b"13 to 15" not in reply.body
    longer = ended[:31] + "09999" + ended[36:]
    assert anybody.get(longer).status == 404


@pytest.mark.slow
def test_it_works_by_keyboard_and_for_everybody(scene: Scene, place: Place) -> None:
    path = link(scene, "young-2", "16-17")
    with (
        browser() as running,
        running.new_context(viewport={"width": 390, "height": 800}) as context,
    ):
        page = context.new_page()
        page.goto(place.url + path)
        page.get_by_label("18 or older").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.type("I am a teacher.")
        page.keyboard.press("Tab")
        assert violations(page) == []
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="A person is looking at it").wait_for()
        assert violations(page) == []
        page.goto(place.url + scene.link("Ben"))
        page.get_by_role("button", name="Sign in").click()
        page.goto(place.url + "/console/ages")
        assert violations(page) == []
        page.get_by_role("link", name="18-plus").last.click()
        page.get_by_text("I am a teacher.").wait_for()
        assert violations(page) == []
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
