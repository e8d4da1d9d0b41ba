"""`python -m bench.backtest`: how fast a back-test is, and what it costs the line that goes on.

Rounds of load alternate: one alone, one while back-tests run over everything that came in so far.
The last line is one JSON object.
"""

import argparse
import json
import signal
import statistics
import sys
import time
from datetime import timedelta

import psycopg

from bench import tree
from bench.load import Round, one_round
from bench.receiver import receiving
from openhaven.core import system, utcnow
from openhaven.policy import backtest, find_pack, load
from openhaven.storage import Database, Secrets, postgres

_ME = system("bench")
_AT_ONCE = 12


def main() -> int:
    """Print what was measured; the last line is for machines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="pairs of rounds")
    parser.add_argument("--events", type=int, default=6_000, help="events in a round")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tree.fresh() as line, receiving() as webhook:
        line.start("run", f"{line.url}/readyz")
        line.call("platforms", "add", "bench", "--webhook", webhook)
        key = line.call("keys", "create", "bench", "--platform", "bench")
        secrets = Secrets.at(line.home / "secrets.json")
        with postgres.start(line.home, password=secrets.database_password) as server:
            db = Database(server.url, bytes.fromhex(secrets.master), size=2)
            with psycopg.connect(server.url, autocommit=True) as connection:
                figures = _measured(db, connection, line, key, given.rounds, given.events)
            db.close()
    for name, value in figures.items():
        sys.stdout.write(f"{name.replace('_', ' '):<40} {value}\n")
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _measured(
    db: Database,
    connection: psycopg.Connection[tuple[object, ...]],
    line: tree.Tree,
    key: str,
    rounds: int,
    events: int,
) -> dict[str, float]:
    def sent(run: str, count: int) -> Round:
        return one_round(connection, line, key, run, count, 0.0)

    sent("warm", events)
    alone, beside, tried = [], [], 0
    for number in range(rounds):
        alone.append(sent(f"alone{number}", events).events_per_s)
        asked = [_start(db) for _ in range(_AT_ONCE)]
        _until_running(db, asked[0])
        beside.append(sent(f"beside{number}", events).events_per_s)
        tried += _cancel(db, asked)
    done = _until_ended(db, _start(db))
    speed = (done.figures or {})["events"] / (done.figures or {})["seconds"]
    return {
        "backtest_events_per_s": round(speed),
        "line_alone_events_per_s": round(statistics.median(alone)),
        "line_beside_events_per_s": round(statistics.median(beside)),
        "ratio": round(statistics.median(beside) / statistics.median(alone), 3),
        "tried_beside": tried,
    }


def _start(db: Database) -> str:
    candidate = backtest.Candidate.of("starter", load(find_pack("starter")))
    now = utcnow()
    wish = backtest.Wish(tried=candidate, since=now - timedelta(hours=1), until=now,
                         purpose="To measure how fast this is.")  # fmt: skip
    with db.begin(_ME) as tx:
        return backtest.start(tx, wish)


def _find(db: Database, number: str) -> backtest.Backtest:
    with db.read() as tx:
        return backtest.find(tx, number)


def _until_running(db: Database, number: str) -> None:
    while _find(db, number).state == "waiting":
        time.sleep(0.05)


def _until_ended(db: Database, number: str) -> backtest.Backtest:
    while (found := _find(db, number)).ended_at is None:
        time.sleep(0.2)
    return found


def _cancel(db: Database, asked: list[str]) -> int:
    """Cancel what still waits or runs; return how many events were tried."""
    for number in asked:
        if _find(db, number).ended_at is None:
            with db.begin(_ME) as tx:
                backtest.ask_cancel(tx, number)
    return sum(_until_ended(db, number).done for number in asked)


if __name__ == "__main__":
    sys.exit(main())
