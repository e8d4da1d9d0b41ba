"""`make bench-matching`: perceptual hashes looked up exactly, here and by every installed peer.

All contestants look the same queries up in the same random hashes, in turns within one process and
on one thread, so that a noisy machine disturbs all alike; figures are medians of the rounds, and
the ratios are what to quote. Time is a processor's, not the clock's, unless it says otherwise.
Peers come with `pip install -e '.[bench]'`; one that is not installed is named as missing.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openhaven.signals.hashes import PdqIndex

RADIUS = 31
ALONE = 500  # queries in one call that are still looked up one by one, and not swept
Hashes = NDArray[np.uint8]
# Answers the first `count` queries and returns the number of matches.
Ask = Callable[[int], int]


class Contestant(NamedTuple):
    """A way to match: what it is called, how many queries a round it is asked, and how."""

    name: str
    queries: int
    ask: Ask


def main() -> int:
    """Print a table; the last line is one JSON object for machines."""
    parser = argparse.ArgumentParser(prog="make bench-matching", description=__doc__)
    parser.add_argument("-n", type=float, default=1e6, help="hashes in the index")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true", help="only this project's own index")
    given = parser.parse_args()
    count = int(given.n)
    figures: dict[str, Any] = {"n": count, "missing": []}
    hashes, queries, near = _data(count)
    PdqIndex.build(hashes[:1_000]).search(queries[:10])
    index = _built(hashes, figures)
    _file(index, figures)
    _recall(index, hashes, queries, near, figures)
    _own(index, queries, given.rounds, figures)
    peers = [] if given.no_peers else _peers(hashes, queries, figures)
    _compare(index, queries, peers, given.rounds, figures)
    _table(figures)
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _data(count: int) -> tuple[Hashes, Hashes, Hashes]:
    """Return hashes, strangers to ask for, and copies of hashes with 0 to 31 bits turned round."""
    drawn = np.random.default_rng(1)
    hashes = np.frombuffer(drawn.bytes(count * 32), np.uint8).reshape(-1, 32)
    queries = np.frombuffer(drawn.bytes(10_000 * 32), np.uint8).reshape(-1, 32)
    some = hashes[drawn.integers(0, count, 10_000)]
    turned = drawn.random((10_000, 256)).argsort(axis=1) < (np.arange(10_000) % 32)[:, None]
    return hashes, queries, some ^ np.packbits(turned, axis=1)


def _built(hashes: Hashes, figures: dict[str, Any]) -> PdqIndex:
    _say("the index is built")
    index = PdqIndex.build(hashes[: len(hashes) // 10])
    begun, used = time.perf_counter(), time.process_time()
    index = PdqIndex.build(hashes)
    figures["build_s"] = round(time.perf_counter() - begun, 2)
    figures["build_cpu_s"] = round(time.process_time() - used, 2)
    figures["bytes_per_hash"] = round(index.nbytes / len(hashes), 1)
    return index


def _file(index: PdqIndex, figures: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        begun = time.perf_counter()
        index.save(path)
        figures["save_s"] = round(time.perf_counter() - begun, 2)
        begun = time.perf_counter()
        PdqIndex.open(path)
        figures["open_ms"] = round((time.perf_counter() - begun) * 1e3, 1)


def _recall(
    index: PdqIndex, hashes: Hashes, queries: Hashes, near: Hashes, figures: dict[str, Any]
) -> None:
    """Compare the answers with a comparison of everything with everything, in plain numpy."""
    _say("answers are compared with a scan")
    words = hashes.view(np.uint64)
    checked = max(20, min(1_000, int(2e8 / len(hashes))))
    asked = np.concatenate([queries[:checked], near[:checked]])
    found = index.search(asked, RADIUS)
    mine = set(zip(found.query.tolist(), found.id.tolist(), found.distance.tolist(), strict=True))
    wanted = set()
    for number, query in enumerate(asked.view(np.uint64)):
        far = np.bitwise_count(words[:, 0] ^ query[0])
        for word in range(1, 4):
            far += np.bitwise_count(
                words[:, word] ^ query[word]
            )  # 256 bits only wrap for the opposite
        rows = np.flatnonzero(far <= RADIUS)
        wanted |= {(number, int(row), int(far[row])) for row in rows}
    figures["recall_checked"] = len(asked)
    figures["recall"] = len(mine & wanted) / max(len(wanted), 1)
    figures["wrong"] = len(mine - wanted)
    planted = index.search(near, RADIUS)
    figures["planted_found"] = len(np.unique(planted.query)) / len(near)


def _own(index: PdqIndex, queries: Hashes, rounds: int, figures: dict[str, Any]) -> None:
    _say("the index alone")
    digits = [query.tobytes().hex() for query in queries[:2_000]]
    taken = []
    for _ in range(rounds):
        for one in digits:
            begun = time.perf_counter()
            index.match_hex(one)
            taken.append((time.perf_counter() - begun) * 1e6)
    taken.sort()
    figures["hex_p50_us"] = round(taken[len(taken) // 2], 1)
    figures["hex_p99_us"] = round(taken[len(taken) * 99 // 100], 1)
    two = min(2, os.cpu_count() or 1)

    def single() -> None:
        for begin in range(0, 10_000, ALONE):
            index.search(queries[begin : begin + ALONE], threads=two)

    ways = (("single", single), ("batch_10k", lambda: index.search(queries, threads=two)))
    for name, run in ways:
        clock = []
        for _ in range(rounds):
            begun = time.perf_counter()
            run()
            clock.append(len(queries) / (time.perf_counter() - begun))
        figures[f"queries_per_s_2_threads_{name}"] = round(statistics.median(clock))
    figures["radius_us"] = {
        str(radius): round(_cpu(lambda r=radius: index.search(queries[:200], r), 200), 1)  # type: ignore[misc]
        for radius in (0, 7, 15, 20, 31, 39, 47)
    }


def _compare(
    index: PdqIndex, queries: Hashes, peers: list[Contestant], rounds: int, figures: dict[str, Any]
) -> None:
    """Let everyone answer in turns; a ratio is how many times the time of `ring` one needs."""

    def looked_up(count: int) -> int:
        return sum(
            len(index.search(queries[begin : begin + ALONE]).id) for begin in range(0, count, ALONE)
        )

    ring = Contestant("ring", 2_000, looked_up)
    swept = Contestant(
        "ring, batch of 10 k", 10_000, lambda count: len(index.search(queries[:count]).id)
    )
    scanned = Contestant("own scan", 10, lambda count: len(index.search(queries[:count], 60).id))
    everyone = [ring, swept, scanned, *peers]
    times: dict[str, list[float]] = {one.name: [] for one in everyone}
    for number in range(rounds + 1):
        _say(f"round {number} of {rounds}" if number else "everyone warms up")
        for one in everyone:
            took = _cpu(lambda one=one: one.ask(one.queries), one.queries)  # type: ignore[misc]
            if number:
                times[one.name].append(took)
    base = statistics.median(times["ring"])
    figures["us_per_query"] = {
        name: round(statistics.median(all_), 2) for name, all_ in times.items()
    }
    figures["times_slower"] = {
        name: round(statistics.median(all_) / base, 2) for name, all_ in times.items()
    }


def _peers(hashes: Hashes, queries: Hashes, figures: dict[str, Any]) -> list[Contestant]:
    made: list[tuple[str, int, Callable[[], Contestant]]] = [
        ("numpy", 32, lambda: _numpy(hashes, queries)),
        ("faiss flat", 32, lambda: _faiss_flat(hashes, queries)),
        ("faiss MultiHash 11 x 23", 700, lambda: _faiss_multi(hashes, queries)),
        ("threatexchange PDQIndex", 950, lambda: _threatexchange(hashes, queries)),
        ("pynear MIH", 350, lambda: _pynear(hashes, queries)),
    ]
    peers = []
    for name, needed, make in made:
        if needed * len(hashes) > 0.9 * _free():
            figures["missing"].append(f"{name} (not enough memory)")
            continue
        _say(f"{name} builds")
        try:
            begun = time.perf_counter()
            peers.append(make())
            figures[f"build_s {name}"] = round(time.perf_counter() - begun, 1)
        except ImportError as error:
            figures["missing"].append(f"{name} ({error})")
    return peers


def _free() -> int:
    """Return the bytes of memory that nobody uses."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))


def _numpy(hashes: Hashes, queries: Hashes) -> Contestant:
    words, asked = hashes.view(np.uint64), queries.view(np.uint64)

    def ask(count: int) -> int:
        return sum(
            int((np.bitwise_count(words ^ query).sum(axis=1, dtype=np.uint16) <= RADIUS).sum())
            for query in asked[:count]
        )

    return Contestant("numpy", 2, ask)


def _faiss_flat(hashes: Hashes, queries: Hashes) -> Contestant:
    faiss: Any = import_module("faiss")
    faiss.omp_set_num_threads(1)
    index = faiss.IndexBinaryFlat(256)
    index.add(hashes)
    return Contestant(
        "faiss flat", 20, lambda count: len(index.range_search(queries[:count], RADIUS + 1)[2])
    )


def _faiss_multi(hashes: Hashes, queries: Hashes) -> Contestant:
    """Return the best exact setting of faiss that was found: 11 chunks of 23 bits, 2 flipped."""
    faiss: Any = import_module("faiss")
    faiss.omp_set_num_threads(1)
    index = faiss.IndexBinaryMultiHash(256, 11, 23)
    index.nflip = 2
    index.add(hashes)
    return Contestant(
        "faiss MultiHash 11 x 23", 100,
        lambda count: len(index.range_search(queries[:count], RADIUS + 1)[2]),
    )  # fmt: skip


def _threatexchange(hashes: Hashes, queries: Hashes) -> Contestant:
    module: Any = import_module("threatexchange.signal_type.pdq.pdq_index")
    digits = [one.tobytes().hex() for one in hashes]
    index = module.PDQIndex.build(zip(digits, range(len(digits)), strict=True))
    asked = [query.tobytes().hex() for query in queries[:200]]
    return Contestant(
        "threatexchange PDQIndex",
        100,
        lambda count: sum(len(index.query(one)) for one in asked[:count]),
    )


def _pynear(hashes: Hashes, queries: Hashes) -> Contestant:
    pynear: Any = import_module("pynear")
    index = pynear.MIHBinaryIndex(16)
    index.set(hashes)

    def ask(count: int) -> int:
        return len(index.searchKNN(queries[:count], 1, RADIUS))

    return Contestant("pynear MIH", 100, ask)


def _cpu(run: Callable[[], object], queries: int) -> float:
    """Return the microseconds of a processor that a query took."""
    used = time.process_time()
    run()
    return (time.process_time() - used) / queries * 1e6


def _table(figures: dict[str, Any]) -> None:
    rows = [(name, str(value)) for name, value in figures.items() if not isinstance(value, dict)]
    rows += [
        (f"us a query: {name}", f"{value:>10.2f}  {figures['times_slower'][name]:>9.2f} x")
        for name, value in figures["us_per_query"].items()
    ]
    rows += [(f"us at radius {name}", str(value)) for name, value in figures["radius_us"].items()]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        sys.stdout.write(f"{name:<{width}}  {value}\n")


def _say(words: str) -> None:
    sys.stderr.write(f"bench: {words} ...\n")


if __name__ == "__main__":
    sys.exit(main())
