"""Rounds of load on a running tree: events through the whole line, and verdicts meanwhile."""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import psycopg

from bench import asker, sender
from bench.tree import Tree
from openhaven.storage import Secrets, postgres

_PATIENCE = 60.0


@dataclass(frozen=True)
class Round:
    """What one round showed: events a second, and the milliseconds of each single verdict.

    `work` has the milliseconds of a processor that each process used for one event.
    """

    events_per_s: float
    accepted_per_s: float
    verdict_ms: list[float]
    work: dict[str, float]


def rounds(tree: Tree, key: str, count: int, events: int, rate: float) -> list[Round]:
    """Run `count` rounds of `events` after a short one that warms everything up."""
    secrets = Secrets.at(tree.home / "secrets.json")
    with (
        postgres.start(tree.home, password=secrets.database_password) as server,
        psycopg.connect(server.url, autocommit=True) as connection,
    ):
        one_round(connection, tree, key, "warm", events // 5, rate)
        return [
            one_round(connection, tree, key, f"r{number}", events, rate) for number in range(count)
        ]


def one_round(
    connection: psycopg.Connection[tuple[object, ...]],
    tree: Tree,
    key: str,
    run: str,
    events: int,
    rate: float,
) -> Round:
    """Send `events` with ids that begin with `run`, and wait until all are judged.

    `rate` is how many single events a second ask for their verdict meanwhile.
    """
    sending = _child("bench.sender", sender.Order(tree.url, key, run, events, 250, 2))
    assert sending.stdin is not None
    assert sending.stdout is not None
    sending.stdout.readline()
    asking = (
        _child("bench.asker", asker.Order(tree.url, key, f"ask-{run}", 4, rate)) if rate else None
    )
    time.sleep(0.5)
    before = tree.work()
    began = time.perf_counter()
    sending.stdin.write(b"go\n")
    sending.stdin.flush()
    seconds = float(_end(sending))
    _until_judged(connection, run, events)
    ended = time.perf_counter()
    taken = msgspec.json.decode(_end(asking), type=list[float]) if asking else []
    work = {name: (used - before[name]) * 1000 / events for name, used in tree.work().items()
            if name in before}  # fmt: skip
    return Round(events / (ended - began), events / seconds, taken, work)


def _until_judged(
    connection: psycopg.Connection[tuple[object, ...]], run: str, events: int
) -> None:
    """Wait until nothing waits any more; make sure that every event of the run has a verdict."""
    deadline = time.perf_counter() + _PATIENCE
    waiting = "SELECT 1 FROM events WHERE state = 'received' LIMIT 1"
    while connection.execute(waiting).fetchone() is not None:
        if time.perf_counter() > deadline:
            raise RuntimeError("The line does not come to an end.")
        time.sleep(0.01)
    judged = "SELECT count(*) FROM events WHERE starts_with(id, %s) AND verdict IS NOT NULL"
    found = connection.execute(judged, (f"{run}-",)).fetchone()
    if found != (events,):
        raise RuntimeError(f"{found} of {events} events have a verdict.")


def _child(module: str, order: msgspec.Struct) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(  # noqa: S603 (our own program)
        (sys.executable, "-m", module), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    child.stdin.write(msgspec.json.encode(order) + b"\n")
    child.stdin.flush()
    return child


def _end(child: subprocess.Popen[bytes]) -> bytes:
    out, _ = child.communicate(timeout=_PATIENCE)
    if child.returncode:
        raise RuntimeError(f"{child.args!r} ended with {child.returncode}.")
    return out


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
