"""The signs on the real line: as in memory, with ages as believed; family is left in peace."""

from typing import Any

import msgspec
import pytest
from backtest_scene import figures, wish
from behaviour_scene import met
from bench.scenarios.benign import BENIGN
from bench.scenarios.harmful import HARMFUL
from bench.scenarios.town import Town
from line_scene import OPERATOR, Scene, scene
from policy_scene import FILES, MANIFEST, rule
from rules_scene import put_in_force

from openhaven import history
from openhaven.intake import Event
from openhaven.line import Haven
from openhaven.policy.load import load_texts
from openhaven.protections import accounts

TOGETHER = rule(
    "behaviour.many_children && behaviour.age_gap",
    on=["contact.request", "message.send"],
    then={"outcome": "remove", "harm": "grooming"},
)


@pytest.fixture
def here(haven: Haven) -> Scene:
    return scene(haven)


def send(here: Scene, *events: Event) -> list[dict[str, Any]]:
    """Send events, let the worker work, and return their verdicts."""
    here.accept(*(msgspec.to_builtins(one) for one in events))
    here.work()
    return [here.verdict(one.id) for one in events]


def spoke(verdict: dict[str, Any]) -> dict[str, list[str]]:
    return {
        one["rule"]: [f.get("why") or f["value"] for f in one["findings"]]
        for one in verdict["reasons"]
    }


@pytest.mark.parametrize("name", ["sextortion_burst", "goes_on", "teachers"])
def test_the_line_says_what_the_report_of_scenarios_says(here: Scene, name: str) -> None:
    town = Town(name, 1)
    (BENIGN | HARMFUL)[name](town)
    pack = here.haven.packs.current
    replay = history.Replay(pack.counters)
    events = town.events[:400]
    expected = []
    for one in events:
        verdict = pack.evaluate(one, (), replay.take("here", one))
        expected.append(spoke(verdict.public()))
    assert [spoke(one) for one in send(here, *events)] == expected
    assert any(expected) == (name != "teachers")


def approach(number: int, age: str = "13-15", by: str = "a") -> list[Event]:
    return [met("contact.request", by, f"c{at}", at, ages=("18-plus", age)) for at in range(number)]


def test_a_reviewer_reads_why(here: Scene) -> None:
    put_in_force(here, TOGETHER)
    *_, last = send(here, *approach(9))
    assert last["outcome"] == "review", "signs of behaviour never remove anything, however many"
    assert spoke(last)["one"] == [
        "It says 18 or older; the other one is 13 to 15.",
        "Within the last day, this account contacted 9 different under-18s as a stranger.",
    ]
    assert last["task"]


def test_what_is_sent_again_counts_once(here: Scene) -> None:
    put_in_force(here, TOGETHER)
    first = send(here, *approach(7))
    assert send(here, *approach(7)) == first
    assert {one["outcome"] for one in first} == {"allow"}
    (eighth,) = send(here, approach(8)[-1])
    assert "8 different" in str(spoke(eighth))


def test_ages_are_as_believed(here: Scene) -> None:
    put_in_force(here, TOGETHER)
    child = met("message.send", "c7", "x", ages=("unknown", "unknown"))
    send(here, child)
    with here.haven.db.begin(OPERATOR) as tx:
        accounts.note_age(
            tx, here.haven.protections.defaults, here.platform, "c7", "estimate", "under-13"
        )
    *_, last = send(here, *approach(7), *approach(8, age="unknown")[7:])
    assert last["outcome"] == "review"
    assert "the other one is under 13" in str(spoke(last))
    kept = here.rows("SELECT count(*) AS n FROM event_features")[0]["n"]
    assert kept >= 8


@pytest.mark.parametrize("through", ["carer", "same carer"])
def test_carers_and_siblings_are_left_in_peace(here: Scene, through: str) -> None:
    put_in_force(here, TOGETHER)
    family = [f"c{at}" for at in range(9)]
    by = "mother" if through == "carer" else "big"
    send(here, *(met("message.send", one, "x", ages=("13-15", "18-plus")) for one in family))
    send(here, *(met("message.send", one, "x", ages=("18-plus", "18-plus"))
                 for one in ("mother", "big")))  # fmt: skip
    defaults = here.haven.protections.defaults
    with here.haven.db.begin(OPERATOR) as tx:
        for one in [*family, "big"]:
            accounts.add_carer(tx, defaults, here.platform, one, "mother")
    assert {one["outcome"] for one in send(here, *approach(9, by=by))} == {"allow"}
    assert send(here, *approach(9, by="stranger"))[-1]["outcome"] == "review"


def test_a_back_test_sees_what_the_line_would_have_seen(here: Scene) -> None:
    """Over events that were judged without signs, with an age that only an estimate told."""
    watching = rule("account.age_days > 9999", on=["message.send"])
    put_in_force(here, watching)
    send(here, met("message.send", "c7", "x", ages=("unknown", "unknown")))
    with here.haven.db.begin(OPERATOR) as tx:
        defaults = here.haven.protections.defaults
        accounts.note_age(tx, defaults, here.platform, "c7", "estimate", "under-13")
    send(here, *approach(7), *approach(8, age="unknown")[7:])
    tried = load_texts({**FILES, "pack.toml": MANIFEST, "rules.yaml": TOGETHER})
    told = figures(here.haven, wish(tried))
    assert told["evaluated"] == told["events"] == 9
    assert told["rules"]["one"]["draft"] == 1
    assert told["changes"] == {"newly": 1}


def test_nothing_is_counted_when_no_rule_asks(here: Scene) -> None:
    put_in_force(here, rule("item.has_link", on=["message.send"]))
    send(here, *approach(9))
    assert here.rows("SELECT count(*) AS n FROM history")[0]["n"] == 0


def test_erasing_an_account_forgets_its_meetings(here: Scene) -> None:
    put_in_force(here, TOGETHER)
    send(here, *approach(3))
    assert here.rows("SELECT count(*) AS n FROM history")[0]["n"] == 4
    with here.haven.db.begin(OPERATOR) as tx:
        history.forget(tx, here.platform, "a")
    assert here.rows("SELECT count(*) AS n FROM history")[0]["n"] == 0


def test_all_that_an_account_sends_is_one_piece_of_work(here: Scene) -> None:
    put_in_force(here, TOGETHER)
    send(here, *approach(8))
    texts = [met("message.send", "a", f"c{at}", 20 + at) for at in range(4)]
    item = {"type": "message", "text": "Hello!"}
    here.accept(*({**msgspec.to_builtins(one), "item": {**item, "id": one.id}} for one in texts))
    here.work()
    assert len({here.verdict(one.id)["task"] for one in texts}) == 1
    assert here.rows("SELECT count(*) AS n FROM tasks")[0]["n"] == 1
