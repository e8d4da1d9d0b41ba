"""How rules change: a draft, a second person, in force in every process, and back again."""

import threading
from pathlib import Path

import psycopg
import pytest
from policy_scene import FILES, event, found, write
from publishing_scene import EXAMPLES, STRICTER, Office, member, office

from openhaven import ledger, staff
from openhaven.core import Actor, Problem, system, utcnow
from openhaven.core.permissions import GRANTS
from openhaven.policy import publishing
from openhaven.signals import Banks
from openhaven.storage import Database

OTHER = FILES["policy.md"].replace("be kind.", "be very kind.")


@pytest.fixture
def here(db: Database, tmp_path: Path) -> Office:
    return office(db, tmp_path)


def outcome(here: Office) -> str:
    return here.packs.current.evaluate(event(), [found("bad")]).outcome


def refused(code: str) -> "pytest.RaisesContext[Problem]":  # type: ignore[name-defined]
    return pytest.raises(Problem, match=r".*", check=lambda error: error.code == code)


# The whole way ---------------------------------------------------------------------------------


def test_a_change_takes_two_people_and_then_holds_everywhere(here: Office) -> None:
    before = here.packs.current
    draft = here.proposed(here.ada, rules_yaml=STRICTER)
    assert (draft.state, draft.tried and draft.tried.examples) == ("proposed", 2)
    with here.db.begin(here.ben) as tx:
        review = publishing.approve(tx, draft.id, "It reads well.")
    assert (review.staff, review.alone) == (here.ben.id, False)
    assert here.follow().current is before
    row = publishing.publish(here.db, here.ben, utcnow(), draft.id)
    assert (row.how, row.reason, row.draft) == ("published", "It reads well.", draft.id)
    assert here.follow().current.fingerprint == row.pack == draft.fingerprint
    assert outcome(here) == "remove"
    assert before.evaluate(event(), [found("bad")]).outcome == "review"
    assert here.entries("policy.published") == [
        {"pack": row.pack, "instead_of": before.fingerprint, "draft": draft.id,
         "review": review.id, "backtest": "none", "second_person": here.ben.id}
    ]  # fmt: skip
    kinds = ("policy.first", "policy.proposed", "policy.approved")
    assert [len(here.entries(kind)) for kind in kinds] == [1, 1, 1]


def test_one_person_takes_it_back_at_once_and_the_next_time_one_further(here: Office) -> None:
    first = here.packs.current.fingerprint
    second = here.published(rules_yaml=STRICTER).pack
    third = here.published(policy_md=OTHER).pack
    back: list[str] = []
    for _ in range(2):
        with here.db.begin(here.ben) as tx:
            back.append(publishing.roll_back(tx, "It removed too much.").pack)
    assert back == [second, first]
    assert here.follow().current.fingerprint == first
    with here.db.begin(here.ben) as tx, refused("policy.nothing_before"):
        publishing.roll_back(tx, "Further.")
    with here.db.begin(here.ben) as tx:
        assert publishing.roll_back(tx, "It was right after all.", to=third[:15]).pack == third
    assert [one["pack"] for one in here.entries("policy.rolled_back")] == [second, first, third]
    with here.db.begin(here.mia) as tx, refused("policy.forbidden"):
        publishing.roll_back(tx, "No.")
