"""A file that several processes search and change: what one does, all see, whatever breaks off."""

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from openhaven.signals.hashes import PdqIndex, SharedPdqIndex
from openhaven.signals.hashes.index import log

CHILD = """
import sys
import numpy as np
from openhaven.signals.hashes import SharedPdqIndex
path, first, turns, word = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
index = SharedPdqIndex.open(path, merge_after=None)
for turn in range(turns):
    number = first + turn
    index.add(np.random.default_rng(number).integers(1, 256, (1, 32), dtype=np.uint8), [number])
    if turn % 5 == 4:
        index.remove([number - 1])
    if word == "merge" and turn % 3 == 2:
        index.merge()
    print(number, flush=True)
"""


def some(seed: int, count: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(1, 256, (count, 32), dtype=np.uint8)


def ids(index: PdqIndex, seed: int) -> list[int]:
    return index.search(some(seed)).id.tolist()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "bank.pdq"
    PdqIndex.build(some(1, 300)).save(place)
    return place


def child(path: Path, first: int, turns: int, word: str = "merge") -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", CHILD, str(path), str(first), str(turns), word]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_what_one_changes_the_other_sees_within_a_second(path: Path) -> None:
    one, other = SharedPdqIndex.open(path), SharedPdqIndex.open(path)
    one.add(some(7), [7_000])
    assert ids(one, 7) == [7_000]
    time.sleep(0.3)
    assert ids(other, 7) == [7_000]
    other.remove([7_000, 3])
    assert ids(other, 7) == []
    time.sleep(0.3)
    assert ids(one, 7) == []
    assert len(one) == len(other) == 299


def test_a_merge_by_one_is_a_merge_for_all(path: Path) -> None:
    one, other = SharedPdqIndex.open(path), SharedPdqIndex.open(path)
    one.add(some(7, 3), [1, 2, 3_000])
    other.remove([1])
    one.merge()
    one.add(some(8), [8_000])
    other.refresh()
    for index in (one, other, SharedPdqIndex.open(path, check=True)):
        assert len(index) == 300 - 1 + 2 + 1
        assert ids(index, 8) == [8_000]
    assert other.pending == one.pending == 1
    assert sorted(os.listdir(path.parent)) == [
        "bank.pdq", "bank.pdq.1.log", "bank.pdq.lock", "bank.pdq.merging",
    ]  # fmt: skip


def test_several_processes_change_and_merge_at_once(path: Path) -> None:
    watching = SharedPdqIndex.open(path, merge_after=None)
    children = [child(path, 1_000 * number, 15) for number in (1, 2)]
    while any(one.poll() is None for one in children):
        assert watching.search(some(1, 300)).id.size == 300
        time.sleep(0.01)
    for one in children:
        assert one.communicate()
        assert one.returncode == 0
    watching.refresh()
    for index in (watching, SharedPdqIndex.open(path, check=True)):
        for number in (1, 2):
            for turn in range(15):
                wanted = [] if turn % 5 == 3 else [1_000 * number + turn]
                assert ids(index, 1_000 * number + turn) == wanted
        assert len(index) == 300 + 2 * (15 - 3)


@pytest.mark.slow
@pytest.mark.parametrize("word", ["merge", "only add"])
def test_what_was_told_as_done_outlives_a_kill(path: Path, word: str) -> None:
    drawn = random.Random(20261122)
    told: list[int] = []
    for turn in range(5):
        with child(path, 1_000 + 500 * turn, 400, word) as process:
            assert process.stdout is not None
            told += [int(process.stdout.readline()) for _ in range(drawn.randrange(2, 12))]
            time.sleep(drawn.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
        index = SharedPdqIndex.open(path, check=True)
        for number in told:
            if (number - 1_000) % 500 % 5 != 3:
                assert ids(index, number) == [number]
    index.merge()
    assert index.search(some(1, 300)).id.size == 300
    for number in told:
        if (number - 1_000) % 500 % 5 != 3:
            assert ids(index, number) == [number]
    assert not [name for name in os.listdir(path.parent) if name.endswith(".part")]


def test_a_record_that_was_cut_off_is_no_record(path: Path) -> None:
    one = SharedPdqIndex.open(path)
    one.add(some(7), [7_000])
    place = path.with_name("bank.pdq.0.log")
    whole = place.read_bytes()
    for broken in (whole + whole[:20], whole + bytes(48), whole + b"\x01" * 60):
        place.write_bytes(broken)
        other = SharedPdqIndex.open(path)
        assert other.pending == 1
        other.add(some(8), [8_000])
        assert place.stat().st_size == 2 * log.RECORD.itemsize
        assert ids(SharedPdqIndex.open(path), 8) == [8_000]


def test_a_lost_file_leaves_the_last_state_and_is_told(path: Path) -> None:
    index = SharedPdqIndex.open(path)
    kept = path.read_bytes()
    path.unlink()
    time.sleep(0.3)
    assert index.search(some(1, 300)).id.size == 300
    assert "not followed since" in index.trouble
    path.write_bytes(kept)
    time.sleep(0.3)
    assert index.search(some(1, 300)).id.size == 300
    assert index.trouble == ""


@contextlib.contextmanager
def full_disk(room: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, as a disk without room would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)


def test_a_full_disk_stops_a_merge_and_nothing_else(path: Path) -> None:
    one, other = SharedPdqIndex.open(path), SharedPdqIndex.open(path)
    one.add(some(7, 20), np.arange(7_000, 7_020))
    kept = path.read_bytes()
    with full_disk(20_000):
        with pytest.raises(OSError, match="File too large"):
            one.merge()
        one.add(some(8), [8_000])  # the log is small
        other.refresh()
        for index in (one, other):
            assert ids(index, 8) == [8_000]
            assert index.search(some(7, 20)).id.size == 20
    assert path.read_bytes() == kept
    assert not [name for name in os.listdir(path.parent) if name.endswith(".part")]
    one.merge()
    assert one.pending == 0
    assert len(SharedPdqIndex.open(path, check=True)) == 321


def test_what_does_not_fit_on_the_disk_was_not_added(path: Path) -> None:
    index = SharedPdqIndex.open(path)
    with full_disk(10 * log.RECORD.itemsize), pytest.raises(OSError, match="File too large"):
        index.add(some(7, 20), np.arange(7_000, 7_020))
    for one in (index, SharedPdqIndex.open(path)):
        assert len(one) == 300
    index.add(some(7, 20), np.arange(7_000, 7_020))
    assert len(SharedPdqIndex.open(path)) == 320


def test_threads_share_one_as_well(path: Path) -> None:
    index = SharedPdqIndex.open(path, merge_after=None)

    def change(first: int) -> None:
        for turn in range(10):
            index.add(some(first + turn), [first + turn])
            if turn % 4 == 3:
                index.merge()

    threads = [threading.Thread(target=change, args=(1_000 * number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(index) == len(SharedPdqIndex.open(path)) == 330
    with pytest.raises(OSError, match="o such file"):
        SharedPdqIndex.open(path.with_name("none"))
