"""Pictures hashed, here and by Pillow with `pdqhash`: how fast, and whether the bits are the same.

Part of `make bench-matching`, or alone: `python -m bench.images`. Contestants take turns on the
same files in one process; times are milliseconds of a processor, medians, and the ratios are what
to quote. The files are made here: clouds, shapes and grain, saved as JPEG at quality 85. The peer
comes with `pip install -e '.[bench]'` and needs a compiler.
"""

import argparse
import io
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from openhaven.signals.hashes import pdq, pdq_dihedral, pdq_of_array
from openhaven.signals.hashes.decode import look
from openhaven.signals.hashes.model import MIN_QUALITY

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "signals"))

Pixels = NDArray[np.uint8]
Hasher = Callable[[bytes], bytes]
SIZES = {256: 20, 1024: 12, 4000: 4}
RECIPES = ("field", "noise", "gradient", "shapes", "page", "grey")


def main() -> int:
    """Print a table; the last line is one JSON object for machines."""
    parser = argparse.ArgumentParser(prog="python -m bench.images", description=__doc__)
    parser.add_argument("-n", type=int, default=2_000, help="pictures whose bits are compared")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    figures = measured(given.n, given.rounds)
    for name, value in figures.items():
        sys.stdout.write(f"{name:<42}  {value}\n")
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def measured(pictures: int, rounds: int) -> dict[str, Any]:
    """Return all figures; those that need a peer that is missing are left out."""
    figures: dict[str, Any] = {}
    peer = _peer()
    if peer is None:
        figures["missing"] = "pdqhash"
    for side, count in SIZES.items():
        _say(f"{side} px")
        _speed(side, [_file(side, seed) for seed in range(count)], peer, rounds, figures)
    _turns(figures)
    _seen(peer, figures)
    if peer is not None:
        _agreement(peer, pictures, figures)
    return figures


def _peer() -> Callable[[Pixels], tuple[bytes, int]] | None:
    """Return `pdqhash` as it is used: pixels in, hash and quality out."""
    try:
        module: Any = import_module("pdqhash")
    except ImportError:
        return None

    def compute(pixels: Pixels) -> tuple[bytes, int]:
        bits, quality = module.compute(pixels)
        return np.packbits(bits.astype(np.uint8)).tobytes(), int(quality)

    return compute


def _decoded(data: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(data)))


def _file(side: int, seed: int) -> bytes:
    """Return a JPEG about as hard to decode as a photograph: soft clouds, shapes, and grain."""
    from pictures import encoded, make

    height = side * 3 // 4
    drawn = np.random.default_rng(seed)
    mixed = make("field", seed, height, side).astype(np.int16) // 2
    mixed += make("shapes", seed, height, side).astype(np.int16) // 2
    mixed += drawn.normal(0, 4, (height, side, 1)).astype(np.int16)
    return encoded(Image.fromarray(mixed.clip(0, 255).astype(np.uint8)), "JPEG", quality=85)


def _speed(side: int, files: list[bytes], peer: Any, rounds: int, figures: dict[str, Any]) -> None:
    contestants: dict[str, Hasher] = {
        "exact": lambda data: pdq(data)[0],
        "reduced": lambda data: pdq(data, exact=False)[0],
    }
    if peer is not None:
        contestants["Pillow + pdqhash"] = lambda data: peer(_decoded(data))[0]
    times: dict[str, list[float]] = {name: [] for name in contestants}
    hashes: dict[str, list[bytes]] = {}
    for name, run in contestants.items():
        hashes[name] = [run(data) for data in files]
    for data in files * rounds:
        for name, run in contestants.items():
            times[name].append(_cpu(run, data))
    middle = {name: statistics.median(all_) for name, all_ in times.items()}
    figures[f"{side} px, ms"] = {name: round(value, 3) for name, value in middle.items()}
    for name in ("exact", "reduced") if peer is not None else ():
        gain = middle["Pillow + pdqhash"] / middle[name]
        far = [_far(*pair) for pair in zip(hashes[name], hashes["Pillow + pdqhash"], strict=True)]
        figures[f"{side} px, {name}"] = {
            "times faster": round(gain, 1),
            "bits apart, mean": round(statistics.mean(far), 2),
            "most": max(far),
        }


def _turns(figures: dict[str, Any]) -> None:
    data = _file(1024, 3)
    one = statistics.median(_cpu(pdq, data) for _ in range(15))
    eight = statistics.median(_cpu(pdq_dihedral, data) for _ in range(15))
    figures["eight orientations, against one hash"] = round(eight / one, 2)


def _seen(peer: Any, figures: dict[str, Any]) -> None:
    """Count the odd kinds of file that are not found under the hash of what people see."""
    import pairs

    wrong, raw = [], []
    kinds = [*pairs.seen(), *pairs.among()]
    for name, make in kinds:
        data, image = make()
        wanted = pdq_of_array(np.asarray(image.convert("RGB")))[0]
        found = look(data)
        if min(_far(one.pdq, wanted) for one in (found.main, *found.others)) > 10:
            wrong.append(name)
        if peer is not None and _far(peer(_usual(data))[0], wanted) > 31:
            raw.append(name)
    figures["odd kinds of file"] = len(kinds)
    figures["odd kinds, wrong here"] = wrong
    if peer is not None:
        figures["odd kinds, not found by the usual way"] = len(raw)


def _usual(data: bytes) -> Pixels:
    """Return the pixels as python-threatexchange takes them."""
    image = Image.open(io.BytesIO(data))
    values = np.asarray(image.convert("RGB") if image.mode in ("LA", "I;16") else image)
    values = np.repeat(values[:, :, None], 3, axis=2) if values.ndim == 2 else values
    return np.ascontiguousarray(values[:, :, :3]).astype(np.uint8)


def _agreement(peer: Any, count: int, figures: dict[str, Any]) -> None:
    """Compare bits and quality for many pictures of random sizes, and JPEGs in both ways."""
    _say(f"the bits of {count} pictures")
    usable = wrong = quality = 0
    for pixels in _pictures(count):
        theirs, mine = peer(pixels), pdq_of_array(pixels)
        quality += theirs[1] != mine[1]
        if theirs[1] >= MIN_QUALITY:
            usable += 1
            wrong += theirs[0] != mine[0]
    figures["pictures of quality 50 and more"] = usable
    figures["of these with another hash"] = wrong
    figures["pictures with another quality"] = quality
    far = []
    for number in range(count // 20):
        drawn = np.random.default_rng(number)
        data = _file(int(drawn.integers(1000, 3000)), number)
        far.append(_far(pdq(data, exact=False)[0], peer(_decoded(data))[0]))
    figures["reduced JPEGs"] = len(far)
    figures["reduced, bits apart: mean, most"] = [round(statistics.mean(far), 2), max(far)]


def _pictures(count: int) -> Iterator[Pixels]:
    from pictures import make

    drawn = np.random.default_rng(11)
    for number in range(count):
        height, width = np.exp(drawn.uniform(np.log(5), np.log(1200), 2)).astype(int).tolist()
        pixels = make(RECIPES[number % len(RECIPES)], int(drawn.integers(1 << 30)), height, width)
        deep = np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels
        yield np.ascontiguousarray(deep)


def _far(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def _cpu(run: Callable[[bytes], object], data: bytes) -> float:
    """Return the milliseconds of a processor that one file took."""
    used = time.process_time_ns()
    run(data)
    return (time.process_time_ns() - used) / 1e6


def _say(words: str) -> None:
    sys.stderr.write(f"bench: {words} ...\n")


if __name__ == "__main__":
    sys.exit(main())
