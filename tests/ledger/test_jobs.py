"""The sequencer as the worker runs it."""

from pathlib import Path

import pytest
from ledger_scene import SIGNER, VKEY, fill, report, sql

from openhaven.core import Problem
from openhaven.ledger import FILE_NAME, open_checkpoint, read_outside, verify
from openhaven.ledger.jobs import Sequencer
from openhaven.line import Haven
from openhaven.storage import Database


def kept(home: Path) -> int:
    note = read_outside(home / FILE_NAME)
    return -1 if note is None else open_checkpoint(note, VKEY).size


def test_what_waits_is_ordered_and_the_head_is_kept_outside(db: Database, tmp_path: Path) -> None:
    worker = Sequencer(db, SIGNER, tmp_path)
    worker.start()
    assert kept(tmp_path) == -1
    assert worker.tick() == 0
    assert kept(tmp_path) == 0
    fill(db, 10_500)
    assert worker.tick() == 10_500
    assert kept(tmp_path) == 10_500
    assert worker.tick() == 0
    assert report(db, read_outside(tmp_path / FILE_NAME)).ok


def test_a_second_worker_on_another_home_keeps_its_own_copy(db: Database, tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        home.mkdir()
    workers = [Sequencer(db, SIGNER, home) for home in homes]
    fill(db, 3)
    assert [worker.tick() for worker in workers] == [3, 0]
    assert [kept(home) for home in homes] == [3, 3]


def test_a_start_catches_up_after_a_crash(db: Database, tmp_path: Path) -> None:
    Sequencer(db, SIGNER, tmp_path).tick()
    away = tmp_path / "away"
    away.mkdir()
    fill(db, 3)
    Sequencer(db, SIGNER, away).tick()
    assert kept(tmp_path) == 0
    Sequencer(db, SIGNER, tmp_path).start()
    assert kept(tmp_path) == 3


def test_a_start_on_a_rolled_back_database_is_refused(db: Database, tmp_path: Path) -> None:
    fill(db, 3)
    Sequencer(db, SIGNER, tmp_path).tick()
    for table in ("ledger_entries", "ledger_tiles", "ledger_checkpoints"):
        sql(db, f"DELETE FROM {table}")
    with pytest.raises(Problem) as caught:
        Sequencer(db, SIGNER, tmp_path).start()
    assert caught.value.code == "ledger.rolled_back"


def test_a_copy_that_cannot_be_written_is_told(db: Database, tmp_path: Path) -> None:
    worker = Sequencer(db, SIGNER, tmp_path / "nowhere")
    fill(db, 3)
    with pytest.raises(Problem) as caught:
        worker.tick()
    assert caught.value.code == "ledger.not_kept"
    assert report(db).size == 3


def test_the_wired_house_leaves_a_log_that_holds(haven: Haven) -> None:
    assert haven.sequencer.tick() > 0
    outside = read_outside(haven.settings.home / FILE_NAME)
    with haven.db.read() as tx:
        found = verify(tx, outside, haven.signer.vkey)
    assert found.ok, str(found)
    assert found.rows > 0
