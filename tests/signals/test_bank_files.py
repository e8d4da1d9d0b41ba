"""Large banks in files: made once, mapped by all, followed, refused when spoilt, never lost."""

import contextlib
import os
import random
import resource
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from openhaven.core import system
from openhaven.signals.banks import (
    Banks,
    Kind,
    NewEntry,
    add_entries,
    create_bank,
    keeping,
    snapshot,
    withdraw_entry,
)
from openhaven.signals.banks.kept import KeptError, Shelf
from openhaven.signals.hashes.whole import locked
from openhaven.storage import Database

ME = system("test")
LARGE = 300

CHILD = """
import sys, time
from pathlib import Path
from openhaven.signals.banks import Banks, snapshot
from openhaven.storage import Database
url, folder = sys.argv[1:]
snapshot.RING_FROM, snapshot.MERGE_AFTER = 300, 20
db, banks = Database(url, bytes(32)), Banks(folder=Path(folder))
while True:
    with db.read() as tx:
        banks.refresh(tx)
    print(len(banks.snapshot), flush=True)
    time.sleep(0.02)
"""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "RING_FROM", LARGE)
    monkeypatch.setattr(snapshot, "MERGE_AFTER", 20)
    monkeypatch.setattr(keeping, "RETRY_AFTER", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "banks"


def value(seed: int) -> bytes:
    return random.Random(seed).randbytes(32)


def near(seed: int) -> bytes:
    return bytes(byte ^ (1 if place < 5 else 0) for place, byte in enumerate(value(seed)))


def put(db: Database, seeds: range, kind: str = "pdq") -> None:
    with db.begin(ME) as tx:
        if not tx.value("SELECT 1 FROM banks WHERE name = %(name)s", name=kind):
            create_bank(tx, kind, kind=kind, harm="other", owner="test", purpose="a test")
        add_entries(tx, kind, [NewEntry(value(seed), 90, f"list {seed % 7}") for seed in seeds])


def refreshed(db: Database, banks: Banks) -> Banks:
    with db.read() as tx:
        banks.refresh(tx)
    return banks


def settled(db: Database, banks: Banks) -> Banks:
    """Return the banks after whatever was due was made and taken up."""
    for _ in range(4):
        refreshed(db, banks)
        assert banks._keeper is not None
        banks._keeper.wait()  # nothing is under way any more when this returns
    return banks


def seen(banks: Banks, seeds: range, kind: Kind = "pdq") -> list[int]:
    asked = near if kind == "pdq" else value
    return [seed for seed in seeds if banks.match(kind, asked(seed))]


def is_kept(banks: Banks, kind: Kind = "pdq") -> bool:
    return banks.snapshot.banks[kind].parts.main.kept


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


@pytest.mark.parametrize("kind", ["pdq", "sha256"])
def test_one_makes_the_file_and_others_only_map_it(db: Database, folder: Path, kind: Kind) -> None:
    put(db, range(500), kind)
    first = settled(db, Banks(folder=folder))
    assert is_kept(first, kind)
    made = sorted(os.listdir(folder))
    other = refreshed(db, Banks(folder=folder))
    assert is_kept(other, kind)
    assert not other.snapshot.banks[kind].parts.main.entries.ids.flags.owndata
    for banks in (first, other):
        assert seen(banks, range(600), kind) == list(range(500))
        assert len(banks.snapshot) == 500
        (match,) = banks.match(kind, value(9))
        assert (match.bank, match.quality, match.provenance) == (kind, 90, "list 2")
    assert sorted(os.listdir(folder)) == made
    assert len(made) == (3 if kind == "pdq" else 2)


def test_changes_since_are_followed_by_all_and_after_a_start(db: Database, folder: Path) -> None:
    put(db, range(500))
    one = settled(db, Banks(folder=folder))
    other = refreshed(db, Banks(folder=folder))
    put(db, range(500, 510))
    with db.begin(ME) as tx:
        withdraw_entry(tx, "pdq", value(7))
        withdraw_entry(tx, "pdq", value(501))
    left = [seed for seed in range(510) if seed not in {7, 501}]
    for banks in (refreshed(db, one), refreshed(db, other), refreshed(db, Banks(folder=folder))):
        assert seen(banks, range(520)) == left
        assert len(banks.snapshot) == len(left)
    with db.begin(ME) as tx:
        add_entries(tx, "pdq", [NewEntry(value(7), 70, "again")])
    (match,) = refreshed(db, other).match("pdq", value(7))
    assert (match.quality, match.provenance) == (70, "again")


def test_a_share_of_changes_makes_a_new_file_that_all_take_up(db: Database, folder: Path) -> None:
    put(db, range(500))
    one, other = settled(db, Banks(folder=folder)), refreshed(db, Banks(folder=folder))
    before = Shelf(folder).stamp("pdq")
    for begin in range(500, 620, 15):
        put(db, range(begin, begin + 15))
        with db.begin(ME) as tx:
            withdraw_entry(tx, "pdq", value(begin - 1))
        for banks in (refreshed(db, one), refreshed(db, other)):
            assert seen(banks, range(begin - 20, begin + 20))[-1] == begin + 14
    for banks in (settled(db, one), settled(db, other)):
        assert Shelf(folder).stamp("pdq") != before
        assert len(banks.snapshot.banks["pdq"].parts.main) > 500
        assert seen(banks, range(630)) == [
            seed for seed in range(620) if (seed + 1) % 15 != 5 or seed < 499 or seed > 610
        ]
    assert len(list(folder.glob("*.ring"))) == 1


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 5000)


def _flipped(offset: int) -> object:
    def flip(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ 0x11]))

    return flip


def _patched(offset: int, data: bytes) -> object:
    def patch(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(data)

    return patch


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("pdq.bank", _cut, "header says"),
        ("pdq.bank", lambda path: os.truncate(path, 100), "too short"),
        ("pdq.bank", _patched(0, b"XX"), "no entries"),
        ("pdq.bank", _flipped(60), "header .* altered"),
        ("pdq.bank", _flipped(4096), "altered"),
        ("pdq.*.ring", _cut, "should have"),
        ("pdq.*.ring", _patched(8, struct.pack("=I", 77)), "version 77"),
        ("pdq.*.ring", _patched(12, struct.pack("=I", 0x04030201)), "order of bytes"),
        ("pdq.*.ring", lambda path: path.unlink(), "not there"),
    ],
)  # fmt: skip
def test_a_spoilt_file_is_refused_told_and_made_anew(
    db: Database, folder: Path, name: str, spoil: object, message: str
) -> None:
    put(db, range(320))
    settled(db, Banks(folder=folder))
    (path,) = folder.glob(name)
    spoil(path)  # type: ignore[operator]
    with pytest.raises(KeptError, match=message):
        Shelf(folder).open("pdq")
    banks = refreshed(db, Banks(folder=folder))
    assert banks.trouble["pdq"].startswith("since 20")
    assert seen(banks, range(330)) == list(range(320))
    assert is_kept(settled(db, banks))
    assert banks.trouble == {}
    assert is_kept(refreshed(db, Banks(folder=folder)))


def test_a_file_of_another_version_is_refused(
    db: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(db, range(320))
    settled(db, Banks(folder=folder))
    monkeypatch.setattr("openhaven.signals.banks.kept.VERSION", 2)
    with pytest.raises(KeptError, match="version 1, not 2"):
        Shelf(folder).open("pdq")


def test_a_file_made_from_a_later_state_of_the_database_is_refused(
    db: Database, folder: Path
) -> None:
    put(db, range(320))
    settled(db, Banks(folder=folder))
    with db.begin(ME) as tx:  # as if it were brought back from a copy
        tx.run("DELETE FROM bank_changes WHERE seq = (SELECT max(seq) FROM bank_changes)")
    banks = refreshed(db, Banks(folder=folder))
    assert not is_kept(banks)
    assert "another database" in banks.trouble["pdq"]
    assert seen(banks, range(330)) == list(range(320))


def test_a_full_disk_leaves_the_last_state_is_told_and_passes(db: Database, folder: Path) -> None:
    put(db, range(400))
    banks = settled(db, Banks(folder=folder))
    before = Shelf(folder).stamp("pdq")
    put(db, range(400, 500))
    with full_disk(20_000):
        settled(db, banks)
    assert Shelf(folder).stamp("pdq") == before
    assert "cannot be written" in banks.trouble["pdq"]
    assert seen(banks, range(510)) == list(range(500))
    assert not list(folder.glob(".*"))
    assert len(list(folder.glob("*.ring"))) == 1
    assert seen(refreshed(db, Banks(folder=folder)), range(510)) == list(range(500))
    settled(db, banks)
    assert banks.trouble == {}
    assert Shelf(folder).stamp("pdq") != before
    assert seen(banks, range(510)) == list(range(500))


def test_a_folder_that_cannot_be_made_costs_only_memory(db: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    put(db, range(320))
    banks = settled(db, Banks(folder=tmp_path / "file" / "banks"))
    assert "cannot be written" in banks.trouble["pdq"]
    assert seen(banks, range(330)) == list(range(320))


def test_who_comes_second_leaves_the_work_to_the_first(db: Database, folder: Path) -> None:
    put(db, range(320))
    banks = refreshed(db, Banks(folder=folder))
    folder.mkdir()
    with locked(folder / "pdq.building"):
        settled(db, banks)
        assert not list(folder.glob("*.ring"))
        assert seen(banks, range(330)) == list(range(320))
    assert is_kept(settled(db, banks))


def test_each_bank_keeps_its_radius_and_names_its_nearest(db: Database, folder: Path) -> None:
    base = value(1)
    drawn = random.Random(5)
    with db.begin(ME) as tx:
        for name, radius in (("wide", 47), ("usual", 31), ("narrow", 3), ("equal", 0)):
            create_bank(tx, name, kind="pdq", harm="other", owner="test", purpose="x",
                        radius=radius)  # fmt: skip
            values = {base}
            while len(values) < 250:
                bits = drawn.sample(range(256), drawn.randrange(1, 60))
                number = int.from_bytes(base, "big")
                for bit in bits:
                    number ^= 1 << bit
                values.add(number.to_bytes(32, "big"))
            add_entries(tx, name, [NewEntry(one, 90, name) for one in sorted(values)])
    for banks in (refreshed(db, Banks()), settled(db, Banks(folder=folder))):
        found = banks.match("pdq", base)
        for name, radius in (("wide", 47), ("usual", 31), ("narrow", 3), ("equal", 0)):
            mine = [match for match in found if match.bank == name]
            with db.read() as tx:
                sql = """SELECT e.value FROM bank_entries e JOIN banks b ON b.id = e.bank
                         WHERE b.name = %(name)s"""
                all_ = [bytes(row["value"]) for row in tx.rows(sql, name=name)]
            far = sorted((int.from_bytes(one) ^ int.from_bytes(base)).bit_count() for one in all_)
            far = [distance for distance in far if distance <= radius]
            assert [match.distance for match in mine] == far[:100]
            assert {match.more for match in mine} == {max(len(far) - 100, 0)}


def test_a_spoilt_number_in_a_large_part_never_crashes(db: Database, folder: Path) -> None:
    """Parts over some megabytes are not read when a file is opened."""
    put(db, range(320))
    banks = settled(db, Banks(folder=folder))
    main = banks.snapshot.banks["pdq"].parts.main
    spoilt = main.entries._replace(provenance=np.full(len(main), 10**9, np.int32))
    main.entries = spoilt
    (match,) = banks.match("pdq", value(3))
    assert match.provenance == ""


@pytest.mark.slow
def test_builders_that_are_killed_leave_one_good_pair(
    db: Database, database_url: str, folder: Path
) -> None:
    drawn = random.Random(20261122)
    put(db, range(400))
    command = [sys.executable, "-c", CHILD, database_url, str(folder)]
    for turn in range(8):
        children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
        for child in children:
            assert child.stdout is not None
            assert int(child.stdout.readline()) == 400 + 60 * turn
        put(db, range(400 + 60 * turn, 460 + 60 * turn))
        time.sleep(drawn.uniform(0.02, 0.4))
        for child in children:
            child.send_signal(signal.SIGKILL)
            child.communicate()
        with contextlib.suppress(FileNotFoundError):
            Shelf(folder).open("pdq")
        banks = refreshed(db, Banks(folder=folder))
        assert len(banks.snapshot) == 460 + 60 * turn
        assert seen(banks, range(300, 900, 7)) == list(range(300, 460 + 60 * turn, 7))
    last = settled(db, Banks(folder=folder))
    assert is_kept(last)
    assert len(list(folder.glob("*.ring"))) == 1
    assert not list(folder.glob(".*"))


def test_only_we_may_look_into_the_folder_of_banks(tmp_path: Path) -> None:
    folder = tmp_path / "banks"
    folder.mkdir()
    folder.chmod(0o777)
    with Shelf(folder).building("pdq") as mine:
        assert mine
    assert folder.stat().st_mode & 0o777 == 0o700
