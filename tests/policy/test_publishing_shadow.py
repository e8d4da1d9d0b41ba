"""A rule that only looks on: its record, and how it becomes live."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from line_scene import Scene, post, scene
from msgspec.structs import astuple
from policy_scene import FILES, write
from publishing_scene import EXAMPLES, STRICTER

from openhaven.core import Problem, new_id, utcnow
from openhaven.line import Haven
from openhaven.policy import publishing
from openhaven.policy.shares import wilson
from openhaven.storage import Settings

RULES = (
    FILES["rules.yaml"]
    + """
# We are not sure about this one yet.
- id: looks-on   # since May
  clause: spam
  on: [post.create]
  when: terms.worse
  then: {outcome: remove, harm: spam}
  mode: "shadow"   # until people agree
"""
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    pack = write(tmp_path / "pack", {"rules.yaml": RULES, "examples.yaml": EXAMPLES})
    return Settings(home=tmp_path / "home", pack=str(pack))


@pytest.fixture
def here(haven: Haven) -> Scene:
    return scene(haven)


def said(here: Scene, *texts: str) -> list[str]:
    bodies = [post(text, account={"id": new_id("a")}) for text in texts]
    here.accept(*bodies)
    here.work()
    return [body["id"] for body in bodies]


def test_the_record_says_how_often_on_what_and_whether_people_agree(here: Scene) -> None:
    mia = here.reviewer("Mia")
    # “zorgblat” brings a post before a person by the live rule; “flumquist” is the shadow's.
    ids = said(here, "zorgblat flumquist", "flumquist zorgblat", "flumquist", "zorgblat", "mild")
    tasks = {
        row["event"]: row["id"]
        for row in here.rows("""SELECT e.id AS event, t.id FROM tasks t
                                JOIN events e ON e.seq = t.event""")
    }
    assert set(tasks) == {ids[0], ids[1], ids[3]}
    for event, outcome in ((ids[0], "remove"), (ids[1], "allow"), (ids[3], "remove")):
        here.judge(mia, tasks[event], outcome, clause="kind")
    here.work()
    with here.haven.db.read() as tx:
        assert publishing.shadow_rules(tx) == ["looks-on"]
        record = publishing.shadow_record(tx, "looks-on")
    assert record.matches == 3
    assert [(one.shadow, one.unknown) for one in record.days] == [(3, 0)]
    assert {one.event for one in record.sample} == set(ids[:3])
    assert {one.platform for one in record.sample} == {"here"}
    assert (record.judged, record.agreed, record.precision) == (2, 1, 0.5)
    assert (record.precision, record.low, record.high) == astuple(wilson(1, 2))[2:]


def test_the_record_goes_on_when_something_else_changes_and_not_when_the_rule_does(
    here: Scene,
) -> None:
    db, ada, ben = here.haven.db, here.reviewer("Ada", "policy"), here.reviewer("Ben", "policy")
    said(here, "flumquist")
    for rules, matches in (
        (RULES.replace(FILES["rules.yaml"], STRICTER), 1),
        (RULES.replace("terms.worse", "terms.worse && terms.bad"), 0),
    ):
        with db.begin(ada) as tx:
            draft = publishing.start_draft(tx, "Another")
            publishing.edit_draft(tx, draft.id, "rules.yaml", rules, draft.version)
        draft = publishing.propose(db, ada, utcnow(), draft.id)
        with db.begin(ben) as tx:
            publishing.approve(tx, draft.id, "Fine.", fingerprint=draft.fingerprint)
        publishing.publish(db, ben, utcnow(), draft.id)
        with db.read() as tx:
            assert publishing.shadow_record(tx, "looks-on").matches == matches


def test_promoting_changes_one_word_and_asks_a_second_person(here: Scene) -> None:
    db, ada, ben = here.haven.db, here.reviewer("Ada", "policy"), here.reviewer("Ben", "policy")
    with db.begin(ada) as tx:
        draft = publishing.promote(tx, "looks-on")
        files = publishing.files_of(tx, draft.id)
    assert files["rules.yaml"] == RULES.replace('"shadow"', '"live"')
    assert {name for name, text in files.items() if text != here.haven.packs.current.files[name]} \
        == {"rules.yaml"}  # fmt: skip
    publishing.propose(db, ada, utcnow(), draft.id)
    with db.begin(ben) as tx:
        publishing.approve(tx, draft.id, "People agree.", fingerprint=draft.fingerprint)
    publishing.publish(db, ben, utcnow(), draft.id)
    publishing.follow(db, here.haven.banks, here.haven.packs)
    (event,) = said(here, "flumquist")
    assert here.verdict(event)["outcome"] == "remove"
    with db.read() as tx, pytest.raises(Problem, match="live already"):
        publishing.shadow_record(tx, "looks-on")
    with db.begin(ada) as tx, pytest.raises(Problem, match="live already"):
        publishing.promote(tx, "looks-on")


def test_a_rule_that_is_not_there(here: Scene) -> None:
    with here.haven.db.read() as tx, pytest.raises(Problem, match="Did you mean “looks-on”"):
        publishing.shadow_record(tx, "look-on")


def test_wilson_against_published_values() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3: score without correction."""
    for part, of, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605),
                                (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)):  # fmt: skip
        found = wilson(part, of)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000), st.data())
def test_wilson_holds_the_share_and_stays_within_bounds(of: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, of))
    _, _, _, low, high = astuple(wilson(part, of))
    assert 0 <= low <= part / of + 1e-12
    assert part / of - 1e-12 <= high <= 1
    assert astuple(wilson(of - part, of))[3:] == pytest.approx((1 - high, 1 - low))
