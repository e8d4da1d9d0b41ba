"""Hashes by plugins: a package with an invented one is installed, and it works behind the walls."""

import importlib
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from openhaven.core import Problem
from openhaven.intake.model import Event, MediaFacts
from openhaven.signals import Banks, Finding, MediaHasher, Tools, load, measure
from openhaven.signals.banks import BankInfo, Row, Snapshot
from openhaven.signals.banks.model import fault_of
from openhaven.signals.banks.reading import parse_value, shown
from openhaven.signals.hashes import hashers
from openhaven.signals.plugged import PluginHashSignal

AVERAGE = '''
"""An average hash: 64 bits, one for each cell of 8 by 8 that is lighter than the mean."""

class Average:
    name = "average"

    def hash(self, picture):
        cells = list(picture.convert("L").resize((8, 8)).getdata())
        mean = sum(cells) / 64
        bits = "".join("1" if cell > mean else "0" for cell in cells)
        return int(bits, 2).to_bytes(8, "big")

class Steps:
    """Three means of colours, compared by their largest difference."""

    name = "steps"

    def hash(self, picture):
        return bytes(picture.resize((1, 1)).getpixel((0, 0)))

    def distances(self, hashes, asked):
        return abs(hashes.astype(int) - asked.astype(int)).max(axis=1)

class Broken:
    name = "broken"

    def hash(self, picture):
        raise RuntimeError("no licence")

NAMELESS = object()
'''
INFO = BankInfo("bnk_1", "licensed", "plugin", "other", "positive", 5, "live")


def install(folder: Path, points: str) -> None:
    (folder / "averages.py").write_text(AVERAGE)
    about = folder / "averages-1.0.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: averages\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[openhaven.hashers]\n" + points)
    importlib.invalidate_caches()
    hashers.installed.cache_clear()


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # The decoder is not root when it reads it.
    made = tmp_path_factory.mktemp("packages")
    sys.path.insert(0, str(made))
    yield made
    sys.path.remove(str(made))
    sys.modules.pop("averages", None)
    importlib.invalidate_caches()
    hashers.installed.cache_clear()


def png(seed: int, size: tuple[int, int] = (256, 200)) -> bytes:
    out = BytesIO()
    cells = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


def hashed(data: bytes) -> tuple[tuple[bytes, ...], str | None]:
    hasher = MediaHasher(wall_s=20)
    try:
        found = hasher.hash(data)
    finally:
        hasher.close()
    assert found.pdq
    return found.plugin_hashes, found.unknown


def said(values: tuple[bytes, ...], *entries: bytes) -> list[Finding]:
    rows = [Row(number, "bnk_1", value, None, "test") for number, value in enumerate(entries, 1)]
    facts = MediaFacts(id="m", sha256=bytes(32), md5=bytes(16), type="image/png",
                       plugin_hashes=values)  # fmt: skip
    event = msgspec.convert(
        {"id": "1", "kind": "post.create", "at": "2026-11-01T12:00:00Z", "account": {"id": "a"},
         "item": {"id": "i", "media": [{"id": "m"}]}}, Event, strict=False,
    )  # fmt: skip
    signal = PluginHashSignal(Banks(Snapshot.of((INFO,), rows)))
    (found,) = measure([event], {"m": facts}, [signal])
    assert all(one.unknown is None for one in found)
    return found


def test_an_installed_hasher_is_asked_behind_the_walls_and_its_banks_match(folder: Path) -> None:
    install(folder, "average = averages:Average\nsteps = averages:Steps\n")
    values, unknown = hashed(png(1))
    assert unknown is None
    assert [name for name, _ in hashers.values_of(values)] == ["average", "steps"]
    smaller, _ = hashed(png(1, (128, 100)))
    other, _ = hashed(png(2))
    assert {one.detail["hasher"] for one in said(smaller, *values)} <= {"average", "steps"}
    (average,) = said(smaller[:1], *values)
    assert (average.value, average.opinion, average.detail["entry"]) == ("licensed", "positive", 1)
    assert said(other[:1], *values) == []


def test_a_distance_of_its_own_counts(folder: Path) -> None:
    install(folder, "steps = averages:Steps\n")
    known = b"steps\0" + bytes([100, 100, 100])
    (near,) = said((b"steps\0" + bytes([105, 97, 100]),), known)
    assert near.detail["distance"] == 5
    assert said((b"steps\0" + bytes([106, 100, 100]),), known) == []
    assert said((b"other\0" + bytes([100, 100, 100]),), known) == []
    assert said((b"steps\0" + bytes([100, 100, 100, 0]),), known) == []


def test_one_that_fails_is_unknown_and_the_others_go_on(folder: Path) -> None:
    install(folder, "average = averages:Average\nbroken = averages:Broken\n")
    values, unknown = hashed(png(1))
    assert len(values) == 1
    assert unknown == "the hasher “broken” failed"


def test_one_that_cannot_be_used_stops_the_start(folder: Path) -> None:
    install(folder, "nameless = averages:NAMELESS\n")
    with pytest.raises(Problem, match="cannot be used"):
        load(Tools(Banks()))
    install(folder, "gone = averages:Gone\n")
    with pytest.raises(Problem, match="cannot be used"):
        load(Tools(Banks()))


def test_values_are_written_with_the_name_of_their_plugin() -> None:
    value = parse_value("plugin", "average:00ff00ff00ff00ff")
    assert value == b"average\0" + bytes.fromhex("00ff00ff00ff00ff")
    assert shown("plugin", value) == "average:00ff00ff00ff00ff"
    assert fault_of("plugin", value, None) == ""
    assert "no name" in fault_of("plugin", b"abc", None)
    assert "1 to 160" in fault_of("plugin", b"abc\0", None)
    for wrong in ("00ff", "average:xyz"):
        with pytest.raises(ValueError, match="this is not"):
            parse_value("plugin", wrong)
