"""A clock of the law, set by a rule: shown, first in its last part, and loud when it runs out."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from line_scene import NOW, Scene, post
from policy_scene import FILES, rule
from rules_scene import put_in_force, say

from openhaven import review
from openhaven.core import system, utcnow
from openhaven.line.clocks import run_clocks
from openhaven.policy.load import load_texts
from openhaven.policy.places import BrokenPack
from openhaven.review.clocks import Clock, stage
from openhaven.survivors import clocks

ASK = {"outcome": "review", "harm": "harassment"}


@given(hours=st.integers(1, 2160), at=st.floats(0, 2))
def test_a_clock_only_goes_on_and_calls_before_its_end(hours: int, at: float) -> None:
    clock = Clock(NOW, NOW + timedelta(hours=hours))
    reached = stage(clock, NOW + at * timedelta(hours=hours))
    assert reached >= stage(clock, NOW + at / 2 * timedelta(hours=hours))
    assert (reached == 3) == (NOW + at * timedelta(hours=hours) >= clock.until)
    last = clock.until - min(timedelta(hours=6), timedelta(hours=hours) / 4)
    assert stage(clock, last) == 2
    assert stage(clock, last - timedelta(microseconds=1)) == 1


def test_what_is_allowed_has_no_clock() -> None:
    wrong = rule("terms.bad", then={"outcome": "allow", "harm": "scam", "clock_hours": 24})
    with pytest.raises(BrokenPack, match="no clock runs"):
        load_texts({**FILES, "rules.yaml": wrong})


def test_the_task_is_due_by_the_shortest_clock_whoever_comes_later(here: Scene) -> None:
    put_in_force(
        here,
        rule("terms.bad", id="long", then=ASK | {"clock_hours": 48}),
        rule("terms.worse", id="short", then=ASK | {"clock_hours": 1, "severity": 1}),
        rule("links.tricks", id="none", then=ASK),
    )
    item = {"id": "i1", "type": "post"}
    for words in ("a zorgblat", "a zorgblat flumquist", "see https://trick.example"):
        here.accept(post(words) | {"item": item | {"text": words}})
        here.work()
    (task,) = task_rows(here)
    told = here.rows("SELECT received_at FROM events ORDER BY seq")[1]["received_at"]
    assert task["law_from"] == told
    assert task["law_at"] == task["clock_at"] == told + timedelta(hours=1)
    assert task["due_at"] <= task["law_at"]


def test_a_clock_that_runs_makes_its_task_graver_and_calls_staff_twice(here: Scene) -> None:
    put_in_force(here, rule("terms.bad", then=ASK | {"clock_hours": 24}), rule("terms.worse",
                 id="two", then=ASK | {"severity": 4}))  # fmt: skip
    (asked,) = say(here, "a zorgblat")
    say(here, "a flumquist")
    begin = task_rows(here, asked["task"])[0]["law_from"]
    seen = []
    for hours in (1, 12, 12.1, 17.9, 18, 23, 24, 30):
        run_clocks(here.haven, begin + timedelta(hours=hours))
        row = task_rows(here, asked["task"])[0]
        seen.append((row["law_stage"], row["severity"], row["urgency"]))
    assert seen == [(0, 2, 0)] + [(1, 4, 0)] * 3 + [(2, 4, 1)] * 2 + [(3, 4, 1)] * 2
    calls = here.rows("SELECT DISTINCT kind, request FROM staff_alerts ORDER BY kind")
    assert [(one["kind"], one["request"]) for one in calls] == [
        ("task_clock", asked["task"]), ("task_overdue", asked["task"])]  # fmt: skip
    with here.haven.db.read(begin + timedelta(hours=25)) as tx:
        assert review.store.queue(tx)[0].id == asked["task"]
        assert clocks(tx)["late"] == 1
    words = [one["kind"] for one in here.rows(
        "SELECT kind FROM ledger_entries WHERE kind LIKE 'task.clock%%' ORDER BY id")]  # fmt: skip
    assert words == ["task.clock_half_over", "task.clock_last_hours", "task.clock_overdue"]


def test_clocks_that_have_time_hold_up_none_that_has_not(here: Scene) -> None:
    put_in_force(here, rule("terms.bad", then=ASK | {"clock_hours": 24}), rule("terms.worse",
                 id="two", then=ASK | {"clock_hours": 48}))  # fmt: skip
    (late,) = say(here, "a flumquist")
    (early,) = say(here, "a zorgblat")
    begin = task_rows(here, early["task"])[0]["law_from"]
    with here.haven.db.begin(now=begin + timedelta(hours=1), actor=system("clocks")) as tx:
        sql = "UPDATE tasks SET law_from = law_from - interval '60 hours' WHERE id = %(t)s"
        tx.run(sql, t=late["task"])
        moved = review.run_clocks(tx, limit=1)
    assert [(one.task, one.stage) for one in moved] == [(late["task"], 1)]


def test_what_was_decided_in_time_calls_nobody(here: Scene) -> None:
    put_in_force(here, rule("terms.bad", then=ASK | {"clock_hours": 24}))
    (asked,) = say(here, "a zorgblat")
    here.judge(here.reviewer("one"), asked["task"], "remove")
    here.work()
    run_clocks(here.haven, utcnow() + timedelta(days=3))
    assert here.rows("SELECT 1 FROM staff_alerts") == []


def task_rows(here: Scene, task: str | None = None) -> list[dict[str, Any]]:
    return here.rows("SELECT * FROM tasks WHERE coalesce(id = %(t)s, true)", t=task)
