"""How long who asks for an answer must wait: for one short batch, never for the queue."""

import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
import pytest
from history_scene import HISTORY_PACK
from line_scene import OPERATOR, Scene, event, post

from openhaven import intake, line, policy
from openhaven.core import system, utcnow
from openhaven.intake import Event
from openhaven.line import jobs
from openhaven.line.pace import MOST, Pace
from openhaven.policy.load import load_texts


@pytest.fixture
def counting(here: Scene) -> Scene:
    """Return the scene with a pack in force that counts the posts of each account."""
    pack = load_texts(HISTORY_PACK)
    with here.haven.db.begin(OPERATOR) as tx:
        policy.register(tx, pack)
    here.haven.packs.swap(policy.in_force(pack, here.haven.banks))
    return here


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return a list of the statements that are sent from now on."""
    sent: list[str] = []
    real = psycopg.Connection.execute

    def noting(self: Any, query: Any, *given: Any, **more: Any) -> Any:
        sent.append(str(query))
        return real(self, query, *given, **more)

    monkeypatch.setattr(psycopg.Connection, "execute", noting)
    return sent


def ask(here: Scene, body: dict[str, Any]) -> dict[str, Any] | None:
    one = msgspec.convert(body, Event)
    return line.answer(here.haven, here.actor, utcnow(), here.platform, one, 10.0)[1]


def waiting(here: Scene) -> int:
    return int(here.rows("SELECT count(*) AS n FROM events WHERE state = 'received'")[0]["n"])


def test_a_slow_batch_makes_the_next_one_smaller_and_a_quick_one_larger() -> None:
    pace = Pace()
    pace.took(pace.size, 60.0)
    assert pace.size == 50, "by a half at once, since it may have been unlucky"
    for _ in range(10):
        pace.took(pace.size, 60.0)
    assert pace.size == 25
    pace.took(1, 0.000_1)
    assert pace.size == 25, "a single event says nothing"
    for _ in range(20):
        pace.took(pace.size, pace.size * 0.001)
    assert pace.size == 150, "a thousand events a second"
    for _ in range(20):
        pace.took(pace.size, 0.0001)
    assert pace.size == MOST


def test_the_worker_takes_as_many_as_its_pace_allows(here: Scene) -> None:
    here.accept(*(event(account={"id": f"a{n}"}) for n in range(30)))
    pace = Pace()
    pace.size = 25
    assert jobs.judge_events(here.haven, pace) == 25
    assert waiting(here) == 5


def test_who_asks_does_not_wait_for_the_queue(counting: Scene) -> None:
    """Nobody works on what waits, and still there is an answer; for the account's own, in order."""
    counting.accept(*(event(account={"id": f"a{n}"}) for n in range(200)))
    verdict = ask(counting, event(account={"id": "new"}))
    assert verdict is not None
    assert verdict["outcome"] == "allow"
    assert waiting(counting) == 200
    assert ask(counting, event(account={"id": "a7"})) is not None
    assert waiting(counting) == 199


def test_who_asks_waits_for_the_batch_under_way_and_for_no_other(counting: Scene) -> None:
    """The batch has counted for the same account and is not over; others wait behind it."""
    counting.accept(*(event(account={"id": "a1"}, id=f"first-{n}") for n in range(3)))
    found: list[dict[str, Any] | None] = []
    asking = threading.Thread(
        target=lambda: found.append(ask(counting, event(account={"id": "a1"}, id="asked")))
    )
    with counting.haven.db.begin(system("worker")) as tx:
        line.walk(counting.haven, tx, intake.claim(tx, 10))
        counting.accept(*(event(account={"id": f"b{n}"}) for n in range(100)))
        asking.start()
        asking.join(0.3)
        assert found == []
    asking.join(300)
    assert found[0] is not None
    assert waiting(counting) == 100


def test_the_number_of_statements_does_not_grow_with_the_batch(
    counting: Scene, statements: list[str]
) -> None:
    taken = []
    for size in (2, 40):
        counting.accept(*(event(account={"id": f"s{size}-{n}"}) for n in range(size)))
        statements.clear()
        assert jobs.judge_events(counting.haven) == size
        taken.append(len(statements))
    assert taken[0] == taken[1]
    assert taken[1] <= 13, statements


def test_a_synchronous_answer_takes_few_statements(counting: Scene, statements: list[str]) -> None:
    ask(counting, event())
    statements.clear()
    assert ask(counting, event()) is not None
    assert len(statements) <= 14, statements


def test_a_decision_takes_few_statements(here: Scene, statements: list[str]) -> None:
    here.accept(post("zorgblat"))
    statements.clear()
    jobs.judge_events(here.haven)
    taken = len(statements)
    assert here.rows("SELECT count(*) AS n FROM decisions") == [{"n": 1}]
    assert taken <= 36, statements
