"""An index in a file: opened in a moment, shared, and refused when it is not what was written."""

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from openhaven.signals.hashes import IndexFileError, PdqIndex


def some(seed: int, count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(1, 256, (count, 32), dtype=np.uint8)


def saved(path: Path, count: int = 500) -> PdqIndex:
    index = PdqIndex.build(some(1, count), np.arange(count) * 3)
    index.save(path)
    return index


def found(index: PdqIndex, seed: int) -> list[int]:
    return index.search(some(seed, 3)).id.tolist()


def test_what_is_saved_is_what_is_opened(tmp_path: Path) -> None:
    built = saved(tmp_path / "index")
    built.add(some(1, 4), [7, 8, 9, 10])
    built.remove([3])
    built.save(tmp_path / "index")
    opened = PdqIndex.open(tmp_path / "index", check=True)
    assert len(opened) == len(built) == 503
    queries = some(1, 500)
    for left, right in zip(built.search(queries), opened.search(queries), strict=True):
        assert left.tolist() == right.tolist()
    assert found(opened, 1) == [0, 7, 8, 6, 9]
    opened.add(some(9, 3), [1, 2, 4])
    opened.merge()
    assert found(opened, 9) == [1, 2, 4]
    assert os.listdir(tmp_path) == ["index"]


def test_an_empty_index_can_be_kept(tmp_path: Path) -> None:
    PdqIndex.build(np.zeros((0, 32), np.uint8)).save(tmp_path / "none")
    assert found(PdqIndex.open(tmp_path / "none"), 1) == []


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.9, 0.99999])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "index"
    saved(path)
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(IndexFileError, match=r"should have|too short"):
        PdqIndex.open(path)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, b"X", "no index"),
        (8, struct.pack("=I", 99), "version 99"),
        (12, struct.pack("=I", 0x04030201), "order of bytes"),
        (16, struct.pack("=I", 31), "header .* altered"),
        (40, b"i4", "header .* altered"),
        (4096, b"\xff\xff", "hashes .* altered"),
    ],
)
def test_an_altered_file_is_refused(tmp_path: Path, place: int, value: bytes, message: str) -> None:
    path = tmp_path / "index"
    saved(path)
    with path.open("r+b") as file:
        file.seek(place)
        file.write(value)
    with pytest.raises(IndexFileError, match=message):
        PdqIndex.open(path)


def test_large_parts_are_checked_when_asked_and_never_crash(tmp_path: Path) -> None:
    path = tmp_path / "index"
    hashes = some(1, 300_000)
    PdqIndex.build(hashes).save(path)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 15_000_000)
        file.write(b"\xff" * 3_000_000)
    with pytest.raises(IndexFileError, match=r"(posts|sketches) .* altered"):
        PdqIndex.open(path, check=True)
    PdqIndex.open(path).search(hashes[:2_000], 47)


def test_something_else_is_no_index(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hash,quality\n" * 1_000)
    with pytest.raises(IndexFileError, match="no index"):
        PdqIndex.open(tmp_path / "text")
    with pytest.raises(FileNotFoundError):
        PdqIndex.open(tmp_path / "nothing")


def test_a_full_disk_leaves_the_last_file(tmp_path: Path) -> None:
    path = tmp_path / "index"
    built = saved(path)
    before = path.read_bytes()
    code = f"""
import resource, signal
from pathlib import Path
import numpy as np
from openhaven.signals.hashes import PdqIndex
index = PdqIndex.open({str(path)!r})
index.add(np.full((1, 32), 7, np.uint8), [1])
index.search(np.full((1, 32), 7, np.uint8))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    index.save({str(path)!r})
except OSError as error:
    print(error.errno)
assert len(index) == 501
assert index.match_hex("07" * 32) == [(1, 0)]
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, timeout=300
    )
    assert done.stdout.strip() == b"27"
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["index"]
    assert len(built) == len(PdqIndex.open(path)) == 500


@pytest.mark.slow
def test_a_process_killed_while_saving_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "index"
    saved(path)
    code = f"""
import numpy as np
from openhaven.signals.hashes import PdqIndex
index = PdqIndex.open({str(path)!r})
for turn in range(10_000):
    index.add(np.random.default_rng(turn).integers(1, 256, (5, 32), dtype=np.uint8),
              np.arange(5) + 10 * turn)
    index.save({str(path)!r})
    print(turn, flush=True)
"""
    for turn in range(3):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.013 * turn)
            process.send_signal(signal.SIGKILL)
        index = PdqIndex.open(path, check=True)
        assert len(index) > 500
        assert (len(index) - 500) % 5 == 0
