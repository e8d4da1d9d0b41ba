"""Back-tests over HTTP: who drafts rules starts them, follows them and stops them."""

from datetime import timedelta
from typing import Any

import pytest
from api_scene import Town, body, saying
from test_policy import WORD, Person, begun

from openhaven.core import system, utcnow
from openhaven.policy import backtest

WHY = "To see what one word more would do."


@pytest.fixture(scope="module")
def cleo(town: Town) -> Person:
    return Person(town, "Cleo of the tries", "policy")


def asked(**other: Any) -> dict[str, Any]:
    now = utcnow()
    return {"since": (now - timedelta(hours=1)).isoformat(), "until": now.isoformat(),
            "purpose": WHY, **other}  # fmt: skip


def test_a_draft_is_tried_and_its_result_read(town: Town, cleo: Person) -> None:
    town.judged(saying(f"a {WORD} in the garden"))
    draft = begun(cleo)["id"]
    refused = cleo.send("/backtests", asked(pack=draft))
    assert (refused.status, refused.json["code"]) == (409, "draft.unchecked")
    assert cleo.send(f"/drafts/{draft}/check", {}).status == 200
    reply = cleo.send("/backtests", asked(pack=draft))
    assert reply.status == 201, reply.body
    number = reply.json["backtest"]["id"]
    assert reply.json["backtest"]["state"] == "waiting"
    with town.haven.db.begin(system("tests")) as tx:
        assert backtest.claim(tx, "here", number) == number
    backtest.run(town.haven.db, number, "here")
    done = cleo.ask("GET", f"/console/api/policy/backtests/{number}").json
    assert done["backtest"]["state"] == "done"
    assert done["backtest"]["figures"]["changes"] == {"newly": 1}
    assert WORD not in str(done["examples"])
    stopped = cleo.send(f"/backtests/{number}/cancel")
    assert (stopped.status, stopped.json["code"]) == (409, "backtest.ended")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"pack": "/etc"}, 404),
        ({"pack": "sha256:00"}, 404),
        ({"pack": "dra_none"}, 404),
        ({"since": "2026-01-01T00:00:00"}, 400),
        ({"purpose": ""}, 400),
        ({"platform": "nowhere"}, 404),
    ],
)
def test_what_is_no_wish(town: Town, cleo: Person, given: dict[str, Any], status: int) -> None:
    reply = cleo.send("/backtests", asked(**given))
    assert reply.status == status, reply.body


def test_one_that_waits_is_cancelled(town: Town, cleo: Person) -> None:
    town.judged(body())
    number = cleo.send("/backtests", asked()).json["backtest"]["id"]
    assert cleo.send(f"/backtests/{number}/cancel").json["backtest"]["state"] == "cancelled"
