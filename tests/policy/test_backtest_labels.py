"""A back-test sees the labels that stood when each event was judged, and no others."""

from typing import Any

import pytest
from backtest_scene import figures, run_with, wish
from line_scene import OPERATOR, Scene, scene
from policy_scene import FILES, MANIFEST, rule

from openhaven.core import new_id, utcnow
from openhaven.line import Haven
from openhaven.policy import Pack
from openhaven.policy.load import load_texts

POST = ["post.create"]
WATCH = {"outcome": "allow", "harm": "spam", "label": {"name": "watched", "days": 2}}
LOOK = {"outcome": "review", "harm": "harassment"}
NOTE = rule("links.tricks", id="note", on=POST, then=WATCH)
AGAIN = rule("'watched' in account.labels && terms.bad", id="again", on=POST, then=LOOK)
WIDER = rule("'watched' in account.labels", id="again", on=POST, then=LOOK)
WORDS = rule("terms.bad", id="again", on=POST, then=LOOK)
TRICK, BAD, NICE = "see trick.example", "A zorgblat!", "A nice day."
# Who posts what; with what is marked, the account had its label before.
STORY = (
    ("a1", NICE), ("a1", TRICK), ("a1", BAD), ("a1", NICE),
    ("a2", BAD), ("a2", TRICK), ("a2", NICE), ("a3", BAD),
)  # fmt: skip
LABELLED = {2, 3, 6}


def pack(*rules: str) -> Pack:
    return load_texts({**FILES, "rules.yaml": "".join(rules), "pack.toml": MANIFEST})


def post(account: str, text: str) -> dict[str, Any]:
    return {"id": new_id("e"), "kind": "post.create", "at": utcnow().isoformat(),
            "account": {"id": account},
            "item": {"id": new_id("i"), "type": "post", "text": text}}  # fmt: skip


@pytest.fixture
def here(haven: Haven) -> Scene:
    return scene(haven)


def tell(here: Scene) -> None:
    here.accept(*(post(account, text) for account, text in STORY))
    here.work()


def test_labels_count_as_they_stood_then(here: Scene) -> None:
    run_with(here.haven, pack(NOTE, AGAIN))
    tell(here)
    told = figures(here.haven, wish(pack(NOTE, WIDER)))
    assert told["skipped"] == {}
    assert told["evaluated"] == len(STORY)
    now = {at for at in LABELLED if STORY[at][1] == BAD}
    assert told["rules"]["again"] == told["rules"]["again"] | {
        "now": len(now), "draft": len(LABELLED), "newly": len(LABELLED - now), "gone": 0,
    }  # fmt: skip
    # What a person takes away later does not change what was seen then.
    with here.haven.db.begin(OPERATOR) as tx:
        assert tx.run("DELETE FROM labels") > 0
    assert figures(here.haven, wish(pack(NOTE, WIDER)))["rules"] == told["rules"]


def test_what_nobody_looked_at_then_is_said_and_not_guessed(here: Scene) -> None:
    run_with(here.haven, pack(NOTE, WORDS))
    tell(here)
    told = figures(here.haven, wish(pack(NOTE, AGAIN)))
    assert told["skipped"] == {"not measured": len(STORY)}
    assert told["evaluated"] == 0
    assert told["events"] == len(STORY)
