"""Backup and restore, with the bundled PostgreSQL: all of it comes back, or nothing happens."""

import io
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg
import pytest

from openhaven import intake, ledger
from openhaven.core import system
from openhaven.main import running
from openhaven.storage import Settings

OPENHAVEN = Path(sys.executable).with_name("openhaven")
MEDIA = b"Some bytes that stand for a picture."
Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


def call(folder: Path, *words: str, home: str = "home", **env: str) -> Done:
    """Run a verb on the home of this name in `folder`."""
    env |= {"OPENHAVEN_HOME": str(folder / home)}
    return subprocess.run([OPENHAVEN, *words], env=env, cwd=folder, capture_output=True,
                          text=True, timeout=300, check=False)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a verb in the test's own folder."""
    return partial(call, tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a home that has a piece of media, and its backup `made.tar`."""
    folder = tmp_path_factory.mktemp("keep")
    with running(Settings(home=folder / "home")) as haven:
        facts = haven.hasher.hash(MEDIA)
        with haven.db.begin(system("test")) as tx:
            platform = intake.platform_named(tx, "default").id
            known = intake.MediaFacts(id="", sha256=facts.sha256, md5=facts.md5, type=facts.type,
                                      size=len(MEDIA), unknown=facts.unknown)  # fmt: skip
            intake.accept_media(tx, haven.blobs, platform, MEDIA, known)
        haven.sequencer.tick()
    done = call(folder, "backup", "made.tar")
    assert done.returncode == 0, done.stderr
    assert "1 blobs" in done.stderr
    assert (folder / "made.tar").stat().st_mode & 0o777 == 0o600
    return folder


@pytest.fixture
def backup(made: Path, tmp_path: Path) -> Path:
    """Return a backup that the test may alter."""
    return Path(shutil.copy(made / "made.tar", tmp_path))


def _altered(file: Path, name: str, data: bytes) -> None:
    """Write the archive anew, with the member `name` replaced or added."""
    with tarfile.open(file) as old:
        members = {one.name: (old.extractfile(one) or io.BytesIO()).read() for one in old}
    with tarfile.open(file, "w") as new:
        for each, content in (members | {name: data}).items():
            info = tarfile.TarInfo(each)
            info.size = len(content)
            new.addfile(info, io.BytesIO(content))


def test_everything_comes_back(tmp_path: Path, run: Run, made: Path, backup: Path) -> None:
    done = run("restore", str(backup), home="other")
    assert done.returncode == 0, done.stderr
    assert run("ledger", "verify", home="other").returncode == 0
    with running(Settings(home=tmp_path / "other")) as haven, haven.db.read() as tx:
        media = tx.value("SELECT id FROM media")
        sealed = haven.blobs.get(media)
        assert sealed is not None
        assert tx.keys.open(f"media:{media}", sealed) == MEDIA
    secrets = tmp_path / "other" / "secrets.json"
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert secrets.read_bytes() == (made / "home" / "secrets.json").read_bytes()


def test_a_home_in_use_and_a_file_in_the_way_are_refused(run: Run, backup: Path) -> None:
    assert run("restore", str(backup)).returncode == 0
    assert "in use already" in run("restore", str(backup)).stderr
    assert "is there already" in run("backup", str(backup)).stderr


@pytest.mark.parametrize(
    ("name", "data"),
    [("database.dump", b"x"), ("secrets.json", b"{}"), ("manifest.json", b"{}"),
     ("../outside", b"x"), ("/tmp/outside", b"x"), ("extra.txt", b"x")],
)  # fmt: skip
def test_what_is_damaged_or_foreign_changes_nothing(
    tmp_path: Path, run: Run, backup: Path, name: str, data: bytes
) -> None:
    _altered(backup, name, data)
    done = run("restore", str(backup), home="other")
    assert done.returncode == 1
    assert done.stderr.startswith("openhaven: ")
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "other").iterdir()) == []
    assert not (tmp_path / "outside").exists()


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, run: Run) -> None:
    (tmp_path / "letter.tar").write_bytes(b"Dear reader,")
    done = run("restore", "letter.tar", home="other")
    assert done.stderr.startswith("openhaven: This file is no backup")


def test_a_database_that_is_not_empty_is_refused_and_the_home_stays_free(
    tmp_path: Path, run: Run, backup: Path, database_url: str
) -> None:
    done = run("restore", str(backup), home="other", OPENHAVEN_DATABASE_URL=database_url)
    assert "is not empty" in done.stderr
    assert not (tmp_path / "other" / "secrets.json").exists()
    assert run("restore", str(backup), home="other").returncode == 0


def test_a_given_database_is_saved_and_filled(
    tmp_path: Path, run: Run, backup: Path, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    given = {"OPENHAVEN_DATABASE_URL": database_url, "home": "other"}
    assert run("restore", str(backup), **given).returncode == 0
    assert run("ledger", "verify", **given).returncode == 0
    assert not (tmp_path / "other" / "postgres").exists()
    assert run("backup", "again.tar", **given).returncode == 0


def test_a_backup_of_a_house_at_work_can_be_started(tmp_path: Path, run: Run) -> None:
    stop = threading.Event()
    with running(Settings(home=tmp_path / "home")) as haven:

        def work() -> None:
            while not stop.is_set():
                with haven.db.begin(system("test")) as tx:
                    ledger.append(tx, "test.entry", {"number": "1"})
                haven.sequencer.tick()

        worker = threading.Thread(target=work)
        worker.start()
        try:
            done = run("backup", "live.tar")
        finally:
            stop.set()
            worker.join()
    assert done.returncode == 0, done.stderr
    done = run("restore", "live.tar", home="other")
    assert done.returncode == 0, done.stderr
    done = run("ledger", "verify", home="other")
    assert done.returncode == 0, done.stdout + done.stderr
    with running(Settings(home=tmp_path / "other")) as haven:
        haven.sequencer.tick()
