"""The store: whole or not at all, never over, not removed before its day; killed anywhere."""

import hashlib
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from evidence_scene import DAY, NOW

from openhaven.core import Problem
from openhaven.evidence.stores import STALE_S, Folder

# Writes one blob after another, told by its size, until it is killed.
CHILD = """
import sys
from pathlib import Path
from openhaven.evidence.stores import Folder
store = Folder(Path(sys.argv[1]))
number = 0
while True:
    name, _ = store.put(bytes([number % 256]) * 65_536 for _ in range(40))
    print(name, flush=True)
    number += 1
"""


def files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("??/*") if path.is_file()]


def test_the_same_twice_is_one_file_and_nothing_is_written_over(tmp_path: Path) -> None:
    store = Folder(tmp_path / "s")
    first = store.put([b"one ", b"two"])
    assert store.put([b"one two"]) == first == (hashlib.sha256(b"one two").hexdigest(), 7)
    (path,) = files(tmp_path / "s")
    assert path.stat().st_mode & 0o777 == 0o400
    before = path.stat().st_ino
    store.put([b"one two"])
    assert path.stat().st_ino == before
    assert b"".join(store.parts(first[0])) == b"one two"


def test_what_fails_while_it_is_written_leaves_nothing(tmp_path: Path) -> None:
    store = Folder(tmp_path / "s")

    def broken():  # type: ignore[no-untyped-def]
        yield b"some"
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        store.put(broken())
    assert list((tmp_path / "s").rglob("*")) == []


def test_nothing_is_removed_before_its_day(tmp_path: Path) -> None:
    store = Folder(tmp_path / "s")
    name, _ = store.put([b"kept"])
    store.keep(name, NOW + 10 * DAY)
    store.keep(name, NOW + 5 * DAY)
    assert not store.remove(name, NOW + 9 * DAY)
    assert b"".join(store.parts(name)) == b"kept"
    assert store.remove(name, NOW + 10 * DAY)
    assert files(tmp_path / "s") == []
    with pytest.raises(Problem):
        next(store.parts(name))
    with pytest.raises(Problem):
        store.keep(name, NOW)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_a_name_is_a_hash_and_nothing_else(tmp_path: Path, name: str) -> None:
    store = Folder(tmp_path / "s")
    for ask in (lambda: next(store.parts(name)), lambda: store.remove(name, NOW)):
        with pytest.raises(ValueError, match="SHA-256"):
            ask()


def test_a_writer_that_is_killed_leaves_whole_files_only(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    told = set[str]()
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        for _ in range(3):
            told.add(child.stdout.readline().strip())
        child.send_signal(signal.SIGKILL)
        told.update(line.strip() for line in child.stdout if len(line) == 65)
        child.wait()
    there = {path.name for path in files(folder)}
    assert told <= there
    for path in files(folder):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    # What the killed ones left half done is swept up when it is old, and not before.
    left = list(folder.glob("*.part"))
    store = Folder(folder)
    assert store.sweep() == 0
    for path in left:
        old = path.stat().st_mtime - STALE_S - timedelta(hours=1).total_seconds()
        os.utime(path, (old, old))
    assert store.sweep() == len(left)
    assert {path.name for path in files(folder)} == there
