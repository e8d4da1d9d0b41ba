"""What people read: which of their posts it is about, in words for their age, on the right day."""

import pytest
from pages_scene import Scene
from pages_visitor import Visitor

from openhaven.decisions import views
from openhaven.web.pages import address


def told(scene: Scene, decision: str) -> str:
    with scene.haven.db.read() as tx:
        notice = views.notices_of(tx, decision)[0].notice
    assert notice
    return notice.text


def test_a_notice_says_which_post_it_is_about(scene: Scene) -> None:
    text = told(scene, scene.decision_of(scene.post("zorgblat", account="ida", age_band="18-plus")))
    assert text.startswith("We removed what you posted on ")
    assert "“Only for trying things out”" in text
    assert "adult" not in text


def test_the_young_get_a_kind_word(scene: Scene) -> None:
    text = told(scene, scene.decision_of(scene.post("zorgblat", account="ina", age_band="13-15")))
    assert "This is about one thing, not about who you are." in text
    assert "an adult you trust" in text


def test_a_decision_shows_what_was_posted_and_has_a_name(scene: Scene, ana: Visitor) -> None:
    decision = scene.decision_of(scene.post("Here is zorgblat", account="ida"))
    page = ana.text(f"/console/decisions/{decision}")
    assert "What was posted Here is zorgblat" in page
    assert "← Decisions Only for trying things out" in page


@pytest.mark.parametrize(
    ("given", "linked"),
    [
        ("https://social.example/p/1", "https://social.example/p/1"),
        ("javascript:alert(1)", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_only_web_addresses_become_links(given: str | None, linked: str) -> None:
    assert address(given) == linked
