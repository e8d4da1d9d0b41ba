"""Who changes a case and its task takes them in one order, so that nobody waits for each other."""

import threading
import time
from datetime import UTC, datetime

import psycopg

from openhaven import review
from openhaven.core import Actor
from openhaven.staff import create
from openhaven.storage import Database

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
ABOUT = {"platform": "plt", "item": "one", "account": None, "harm": "bullying"}
REST = {"severity": 2, "queue": "general", "event": None}


def test_a_task_ends_while_another_report_of_the_matter_comes_in(db: Database) -> None:
    with db.begin(Actor("system", "operator"), NOW) as tx:
        member = create(tx, "ana", ["moderator"])
    ana = Actor("staff", member.id, member.roles)
    with db.begin(ana, NOW) as tx:
        task = review.open_task(tx, **ABOUT, **REST)
        review.claim(tx, task)
    ended = list[str]()

    def end() -> None:
        with db.begin(ana, NOW) as tx:
            ended.append(review.end_own(tx, task))

    other = threading.Thread(target=end)
    with db.begin(Actor("system", "test"), NOW) as tx:
        # As `open_task` does: first the case, and after the other one has begun, the task.
        case = review.case_for(tx, **ABOUT)
        other.start()
        end_by = time.monotonic() + 120
        while not waits(db):
            assert time.monotonic() < end_by, "nobody waits for the case"
            time.sleep(0.02)
        assert review.open_task(tx, **ABOUT, **REST) == task
    other.join(300)
    assert ended == [case]


def waits(db: Database) -> bool:
    with psycopg.connect(db.url) as connection:
        sql = """SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
                 WHERE NOT l.granted AND a.datname = current_database()"""
        return connection.execute(sql).fetchone() is not None
