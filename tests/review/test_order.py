"""Whose turn it is: danger first, nothing for ever last, and no report made worse by its number."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhaven import review
from openhaven.core import Actor, Problem
from openhaven.review import order, store
from openhaven.review.model import DUE
from openhaven.review.wellbeing import opt_out
from openhaven.staff import Member, create, sign_in, sign_in_link
from openhaven.storage import Database

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
COUNTS = st.integers(0, 1000)


@given(first=st.booleans(), right=COUNTS, wrong=COUNTS)
def test_a_reporter_never_puts_a_task_later_than_if_nobody_had_reported_it(
    first: bool, right: int, wrong: int
) -> None:
    share = order.share(first=first, right=right, wrong=wrong)
    assert order.LEAST <= share <= order.MOST
    assert share <= order.share(first=first, right=right, wrong=wrong + 1)
    assert share >= order.share(first=first, right=right + 1, wrong=wrong)
    assert order.share(first=True, right=right, wrong=wrong) < order.share(right=0, wrong=0)


TASK = st.tuples(
    st.integers(0, 600), st.sampled_from((1, 2, 3, 4)), st.booleans(), COUNTS, COUNTS
)  # fmt: skip


@given(tasks=st.lists(TASK, min_size=1, max_size=30), late=st.lists(TASK, max_size=30))
def test_whatever_comes_in_after_the_moment_of_its_rank_never_goes_before_it(
    tasks: list[tuple[int, int, bool, int, int]], late: list[tuple[int, int, bool, int, int]]
) -> None:
    def rank(task: tuple[int, int, bool, int, int], opened: datetime) -> float:
        share = order.share(first=task[2], right=task[3], wrong=task[4])
        return order.rank(opened, opened + DUE[task[1]], share)

    for task in tasks:
        opened = NOW + timedelta(minutes=task[0])
        own = rank(task, opened)
        assert order.rank(opened, opened, 1) <= own <= order.rank(opened, opened + DUE[1], 1)
        turn = opened + timedelta(seconds=own - order.rank(opened, opened, 1))
        for other in late:
            assert rank(other, turn + timedelta(minutes=other[0], microseconds=1)) > own


def open_task(db: Database, item: str, at: datetime, **more: object) -> str:
    values = {"harm": "bullying", "severity": 2, "queue": "general", "account": None, "event": None}
    with db.begin(Actor("system", "test"), at) as tx:
        return review.open_task(tx, platform="plt", item=item, **(values | more))  # type: ignore[arg-type]


def test_the_database_ranks_as_the_formula_says(db: Database) -> None:
    with db.begin(Actor("system", "test")) as tx:
        sql = """INSERT INTO platforms (id, name, verbs, created_at)
                 VALUES ('plt', 'here', '{}', %(n)s)"""
        tx.run(sql, n=NOW)
        ana = create(tx, "Ana", ("moderator",))
    low = open_task(db, "old", NOW - timedelta(days=8), severity=1)
    for number in range(40):
        open_task(db, f"new-{number}", NOW, severity=4)
    child = open_task(db, "child", NOW, reported=True, trusted=True)
    plain = open_task(db, "plain", NOW, reported=True)
    danger = open_task(db, "danger", NOW, severity=1)
    with db.begin(Actor("system", "test"), NOW) as tx:
        tx.run("UPDATE tasks SET urgency = 2 WHERE id = %(t)s", t=danger)
        rows = tx.rows("SELECT id, rank, opened_at, due_at, share FROM tasks")
        for row in rows:
            wanted = order.rank(row["opened_at"], row["due_at"], row["share"])
            assert abs(row["rank"] - wanted) < 1e-3
        ranks = {row["id"]: row["rank"] for row in rows}
        assert ranks[child] < ranks[plain]
        taken = []
        for _ in rows:
            taken.append(store.next_task(tx, ana.id, ["review"]))
            tx.run("UPDATE tasks SET state = 'cancelled' WHERE id = %(t)s", t=taken[-1])
    # The week-old trifle comes before forty fresh dangers, and after who may be in danger now.
    assert taken[:2] == [danger, low]
    assert taken.index(child) < taken.index(plain)


def test_the_number_of_reports_never_raises_the_severity(db: Database) -> None:
    with db.begin(Actor("system", "test")) as tx:
        sql = """INSERT INTO platforms (id, name, verbs, created_at)
                 VALUES ('plt', 'here', '{}', %(n)s)"""
        tx.run(sql, n=NOW)
    tasks = {open_task(db, "one", NOW, reported=True) for _ in range(50)}
    assert len(tasks) == 1
    with db.read() as tx:
        (row,) = tx.rows("SELECT severity, reports, due_at FROM tasks")
    assert (row["severity"], row["reports"], row["due_at"]) == (2, 50, NOW + DUE[2])


def test_many_who_ask_at_once_get_different_tasks(db: Database) -> None:
    with db.begin(Actor("system", "test")) as tx:
        sql = """INSERT INTO platforms (id, name, verbs, created_at)
                 VALUES ('plt', 'here', '{}', %(n)s)"""
        tx.run(sql, n=NOW)
        people = [create(tx, f"Person {n}", ("moderator",)) for n in range(6)]
    tasks = {open_task(db, f"item-{n}", NOW) for n in range(6)}

    def claim(member: Member) -> str | None:
        with db.begin(member.actor) as tx:
            return review.claim_next(tx, ["review"])

    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(claim, people))
    assert set(taken) == tasks
    assert claim(people[0]) is None


def test_nobody_but_a_specialist_has_the_lane(db: Database) -> None:
    with db.begin(Actor("system", "test")) as tx:
        sql = """INSERT INTO platforms (id, name, verbs, created_at)
                 VALUES ('plt', 'here', '{}', %(n)s)"""
        tx.run(sql, n=NOW)
        ana = create(tx, "Ana", ("moderator",))
    task = open_task(db, "one", NOW, harm="csam.known", severity=4)
    with db.begin(ana.actor) as tx:
        assert store.next_task(tx, ana.id, ["review"]) is None
        ida = create(tx, "Ida", ("specialist",))
        assert store.next_task(tx, ana.id, ["review"]) is None
        assert store.next_task(tx, ida.id, ["review"]) == task
        with pytest.raises(Problem) as refused:
            review.claim(tx, task)
    assert refused.value.status == 403


def test_an_opt_out_holds_even_in_danger_while_somebody_else_is_there(db: Database) -> None:
    with db.begin(Actor("system", "test")) as tx:
        sql = """INSERT INTO platforms (id, name, verbs, created_at)
                 VALUES ('plt', 'here', '{}', %(n)s)"""
        tx.run(sql, n=NOW)
        ana, ben = (create(tx, name, ("moderator",)) for name in ("Ana", "Ben"))
    task = open_task(db, "one", NOW)
    with db.begin(ana.actor) as tx:
        opt_out(tx, ["bullying"])
        assert store.next_task(tx, ana.id, ["review"]) is None
        tx.run("UPDATE tasks SET urgency = 2 WHERE id = %(t)s", t=task)
        assert store.next_task(tx, ana.id, ["review"]) == task
        sign_in(tx, sign_in_link(tx, ben).rpartition("/")[2])
        assert store.next_task(tx, ana.id, ["review"]) is None
