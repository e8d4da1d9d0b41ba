"""`python -m bench.console`: many open tasks, many reviewers, and processes killed meanwhile.

One `openhaven run` with its bundled PostgreSQL. Some hundred posts come in over the API and are put
before people by a rule; their tasks are multiplied in the database to as many as are asked for.
Then each reviewer does one action (claim the next task, or judge it) every few seconds and looks at
the page that follows, while API and worker are killed (SIGKILL) at moments that a seed chooses.

The last line is one JSON object: `lost` counts tasks that are not there any more and judgements
that were taken but from which nothing followed, `twice` those judged or decided more than once.
"""

import argparse
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import psycopg
import urllib3

from bench import tree
from bench.load import quantile
from bench.receiver import receiving
from bench.reviewer import Reviewer
from openhaven import staff
from openhaven.core import new_id, system
from openhaven.storage import Database, Secrets, Settings, postgres
from openhaven.web.security import session_cookie

_POSTS = 200
_ME = system("bench")


def main() -> int:
    """Print what was measured; the last line is for machines."""
    parser = argparse.ArgumentParser(prog="make bench-console", description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000, help="open tasks at the beginning")
    parser.add_argument("--reviewers", type=int, default=50, help="people who work at once")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two actions")
    parser.add_argument("--seconds", type=float, default=40.0, help="how long they work")
    parser.add_argument("--kills", type=int, default=3, help="processes killed meanwhile")
    parser.add_argument("--seed", type=int, default=7, help="when which process is killed")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tree.fresh() as line, receiving() as webhook:
        line.environment |= {"OPENHAVEN_UNDO_SECONDS": "1", "OPENHAVEN_DOUBLE_REVIEW": "0"}
        line.start("run", f"{line.url}/readyz")
        line.call("platforms", "add", "bench", "--webhook", webhook)
        key = line.call("keys", "create", "bench", "--platform", "bench").split()[-1]
        _post(line.url, key)
        with _database(line) as db:
            people = _people(db, line, given.reviewers, given.every, given.seed)
            tasks = _multiply(db, given.tasks)
            _say(f"{tasks} open tasks, {len(people)} reviewers")
            before = line.work()
            killed = _work(line, people, given)
            # Of processes that were killed nothing is counted; so it is compared without kills.
            spent = {name: value - before.get(name, 0) for name, value in line.work().items()}
            lost, twice = _count(db, people, tasks)
    pages = [one for person in people for one in person.pages]
    judged = sum(len(person.judged) for person in people)
    refused = sum((person.refused for person in people), Counter())
    _say(f"judgements that were refused, by status: {dict(refused)}")
    _say(f"{sum(p.actions for p in people)} actions, {judged} judgements, {len(pages)} pages; "
         f"killed: {', '.join(killed) or 'nothing'}; {sum(p.broken for p in people)} "
         f"requests broken; page p50 {quantile(pages, 0.5):.1f} ms")  # fmt: skip
    _say(
        "processor seconds: "
        + ", ".join(f"{name} {value:.1f}" for name, value in spent.items() if value >= 0.1)
    )
    p95 = round(quantile(pages, 0.95), 1)
    figures = {"tasks": tasks, "reviewers": len(people), "page_p95_ms": p95, "lost": lost,
               "twice": twice}  # fmt: skip
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _post(url: str, key: str) -> None:
    """Send posts with a word that a rule puts before people."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    events = [
        {"id": f"e{n}", "kind": "post.create", "at": now,
         "account": {"id": f"a{n % 40}", "age_band": "18-plus", "country": "GB"},
         "item": {"id": f"i{n}", "text": f"flumquist, says sign {n}", "language": "en"}}
        for n in range(_POSTS)
    ]  # fmt: skip
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    reply = urllib3.request("POST", f"{url}/v1/events", body=msgspec.json.encode(events),
                            headers=headers)  # fmt: skip
    assert 200 <= reply.status < 300, reply.data[:500]


@contextmanager
def _database(line: tree.Tree) -> Iterator[Database]:
    secrets = Secrets.at(line.home / "secrets.json")
    with postgres.start(line.home, password=secrets.database_password) as server:
        db = Database(server.url, bytes.fromhex(secrets.master), size=2)
        try:
            yield db
        finally:
            db.close()


def _people(db: Database, line: tree.Tree, count: int, every: float, seed: int) -> list[Reviewer]:
    """Let people work here, and sign each in."""
    settings = Settings(home=line.home, port=line.port)
    found = []
    for number in range(count):
        with db.begin(_ME) as tx:
            member = staff.create(tx, f"Reviewer {number}", ("moderator",))
            link = staff.sign_in_link(tx, member)
            _, secret = staff.sign_in(tx, link.rpartition("/")[2])
        cookie = session_cookie(settings, secret, 3600).partition(";")[0]
        dice = random.Random(seed * 1_000 + number)  # noqa: S311 (only when who clicks)
        found.append(Reviewer(line.url, cookie, every, dice))
    return found


def _multiply(db: Database, wanted: int) -> int:
    """Wait until every post is before people, then make as many tasks as are wanted of these."""
    ends = time.monotonic() + 60
    while (found := _value(db, "SELECT count(*) FROM tasks")) < _POSTS:
        assert time.monotonic() < ends, f"only {found} posts were put before people"
        time.sleep(0.2)
    with db.begin(_ME) as tx:
        tx.run(
            """WITH many AS (
                 SELECT c.*, t.event, t.severity, t.queue, g AS number, %(p)s || '_' || c.id || g
                   AS fresh FROM cases c JOIN tasks t ON t.case_id = c.id,
                   generate_series(1, %(times)s) AS g LIMIT %(more)s),
               made AS (
                 INSERT INTO cases (id, platform, item, account, harm, opened_at)
                 SELECT fresh, platform, item || '-' || number, account, harm, opened_at FROM many
                 RETURNING id)
               INSERT INTO tasks (id, case_id, kind, queue, event, severity, opened_at, due_at,
                 language)
               SELECT 'tsk_' || fresh, fresh, 'review', queue, event, 1 + number %% 3, opened_at,
                 opened_at + interval '1 day' + number * interval '1 minute', 'en' FROM many""",
            p=new_id("cas"), times=wanted // _POSTS + 1, more=max(0, wanted - _POSTS),
        )  # fmt: skip
        # As the database does by itself some time after so many rows.
        for table in ("tasks", "cases", "events"):
            tx.run(f"ANALYZE {table}")
    return int(_value(db, "SELECT count(*) FROM tasks WHERE state = 'open'"))


def _work(line: tree.Tree, people: list[Reviewer], given: argparse.Namespace) -> list[str]:
    """Let everybody work at once; kill a process now and then; return which ones."""
    until = time.monotonic() + given.seconds
    threads = [threading.Thread(target=one.work, args=(until,), daemon=True) for one in people]
    for thread in threads:
        thread.start()
    dice = random.Random(given.seed)  # noqa: S311 (only when what is killed)
    killed: list[str] = []
    for number in range(given.kills):
        pause = given.seconds / (given.kills + 1) * (0.7 + 0.6 * dice.random())
        time.sleep(max(0.0, min(pause, until - time.monotonic() - 5)))
        name = ("serve", "work")[(number + dice.randrange(2)) % 2]
        killed += [name] * line.kill(name)
    for thread in threads:
        thread.join(given.seconds + 60)
    return killed


def _count(db: Database, people: list[Reviewer], tasks: int) -> tuple[int, int]:
    """Wait until everything is settled; return what was lost and what was done twice."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends and _value(
        db, "SELECT count(*) FROM judgements WHERE state = 'given'"
    ):
        time.sleep(0.3)
    said = Counter(task for person in people for task in person.judged)
    lost = tasks - int(_value(db, "SELECT count(*) FROM tasks WHERE kind = 'review'"))
    sql = """SELECT count(*) FROM unnest(%(t)s::text[]) AS said (task) WHERE NOT EXISTS (
               SELECT 1 FROM judgements j JOIN decisions d ON d.judgement = j.id
               JOIN tasks t ON t.id = j.task AND t.state = 'done' WHERE j.task = said.task)"""
    lost += int(_value(db, sql, t=list(said)))
    twice = sum(number - 1 for number in said.values())
    sql = """SELECT count(*) FROM (SELECT 1 FROM judgements j WHERE j.state <> 'withdrawn'
               GROUP BY j.task HAVING count(*) > 1
             UNION ALL SELECT 1 FROM decisions WHERE judgement IS NOT NULL
               GROUP BY judgement HAVING count(*) > 1) AS many"""
    return lost, twice + int(_value(db, sql))


def _value(db: Database, sql: str, **params: object) -> int:
    """Ask the database, which may be gone for a moment when processes are killed."""
    for _ in range(20):
        try:
            with db.read() as tx:
                return int(tx.value(sql, **params))
        except psycopg.OperationalError:
            time.sleep(0.5)
    raise RuntimeError("the database stayed away")


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Its own children only: `tree.kill` looks below the process that it has started.
    os.environ.pop("OPENHAVEN_CONFIG", None)
    sys.exit(main())
