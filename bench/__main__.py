"""`python -m bench`: measure, print a table, and as the last line one JSON object."""

import argparse
import json
import signal
import statistics
import sys
import time

from bench import tree
from bench.load import Round, quantile, rounds
from bench.receiver import receiving

_RATE = 20.0


def main() -> int:
    """Print what was measured; the last line is for machines."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of load")
    parser.add_argument("--events", type=int, default=8_000, help="events in a round")
    parser.add_argument("--starts", type=int, default=3, help="warm starts of the demo")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    starts, memory = _demo(given.starts)
    loads = _line(given.rounds, given.events)
    _table(starts, memory, loads)
    taken = [value for one in loads for value in one.verdict_ms]
    figures = {
        "line_events_per_s": round(statistics.median(one.events_per_s for one in loads)),
        "verdict_p50_ms": round(quantile(taken, 0.5), 1),
        "verdict_p99_ms": round(quantile(taken, 0.99), 1),
        "start_s": round(statistics.median(starts), 2),
        "memory_mb": round(sum(memory.values())),
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _demo(starts: int) -> tuple[list[float], dict[str, float]]:
    """Return the seconds of each warm start of the demo, and its memory at rest by process."""
    with tree.fresh() as demo:
        ready = (f"{demo.url}/readyz", f"{demo.plaza_url}/")
        _say("the demo starts for the first time")
        demo.start("demo", *ready)
        demo.stop()
        taken = []
        for number in range(starts):
            _say(f"warm start {number + 1} of {starts}")
            taken.append(demo.start("demo", *ready))
            if number < starts - 1:
                demo.stop()
        _say("memory at rest")
        time.sleep(6.0)
        return taken, demo.memory()


def _line(count: int, events: int) -> list[Round]:
    """Return what each round of load on `openhaven run` showed."""
    with tree.fresh() as line, receiving() as webhook:
        _say("rounds of load")
        line.start("run", f"{line.url}/readyz")
        line.call("platforms", "add", "bench", "--webhook", webhook)
        key = line.call("keys", "create", "bench", "--platform", "bench")
        return rounds(line, key, count, events, _RATE)


def _table(starts: list[float], memory: dict[str, float], loads: list[Round]) -> None:
    rows = [("warm start, s", ", ".join(f"{one:.2f}" for one in starts))]
    rows += [(f"memory of {name}, MB", f"{one:.0f}") for name, one in sorted(memory.items())]
    for number, one in enumerate(loads, 1):
        p50, p99 = quantile(one.verdict_ms, 0.5), quantile(one.verdict_ms, 0.99)
        rows.append((
            f"round {number}",
            f"{one.events_per_s:.0f} events/s judged, {one.accepted_per_s:.0f} accepted; "
            f"{len(one.verdict_ms)} verdicts, p50 {p50:.1f} ms, p99 {p99:.1f} ms",
        ))  # fmt: skip
    for name in sorted(loads[0].work):
        used = statistics.median(one.work.get(name, 0.0) for one in loads)
        rows.append((f"work of {name}", f"{used:.3f} ms of a processor for each event"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        sys.stdout.write(f"{name:<{width}}  {value}\n")


def _say(words: str) -> None:
    sys.stderr.write(f"bench: {words} ...\n")


if __name__ == "__main__":
    sys.exit(main())
