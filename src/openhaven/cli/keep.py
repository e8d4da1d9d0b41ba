"""`openhaven backup`, `restore` and `upgrade`: one archive holds everything, secrets included.

A backup is a tar file with a dump of the database (`pg_dump`, custom format), the sealed blobs,
the secrets, the ledger's outside checkpoint, and a manifest with the SHA-256 of each part.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO, BinaryIO

import click
import msgspec
import psycopg

from openhaven import __version__
from openhaven.core import Problem, utcnow
from openhaven.ledger.outside import FILE_NAME
from openhaven.storage import Secrets, Settings, migrate, postgres
from openhaven.storage.migrate import connect, migrations
from openhaven.storage.programs import find_programs

_PARTS = ("secrets.json", FILE_NAME, "demo.json")
_FOLDERS = ("blobs", "evidence")
_MEMBER = re.compile(
    rf"manifest\.json|database\.dump|{'|'.join(map(re.escape, _PARTS))}"
    rf"|(?:{'|'.join(_FOLDERS)})/\w\w/\w[\w.]*"
)


class Manifest(msgspec.Struct):
    """What a backup holds: made when, by which version, and the SHA-256 of each part."""

    made_at: str
    version: str
    migration: int
    parts: dict[str, str]


@click.command(help="Write everything into one archive (it holds secrets: keep it safe).")
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Back up a home while it runs, or while it does not."""
    settings = Settings.load()
    secrets = Secrets.at(settings.home / "secrets.json")
    if file.exists():
        raise Problem(
            "backup.exists", f"{file} is there already.", next_step="Choose another name."
        )
    with _server(settings, secrets) as server, tempfile.TemporaryDirectory(dir=file.parent) as work:
        dump = Path(work) / "database.dump"
        # The order matters while the house is at work. The ledger's outside checkpoint must not be
        # newer than the dump, which would look rolled back. A blob is durable before its row, so
        # that each row of the dump finds its blob.
        kept = {name: _copied(settings.home / name, Path(work)) for name in _PARTS
                if (settings.home / name).exists()}  # fmt: skip
        draft = Path(work) / "draft.tar"
        with _private(draft) as out, tarfile.open(fileobj=out, mode="w") as archive:
            _program(server, "pg_dump", "--format=custom", f"--file={dump}")
            parts = {"database.dump": dump} | kept
            newest = max(migration.number for migration in migrations())
            manifest = Manifest(utcnow().isoformat(), __version__, newest,
                                {name: _sha256(path) for name, path in parts.items()})  # fmt: skip
            note = Path(work) / "manifest.json"
            note.write_bytes(msgspec.json.encode(manifest))
            archive.add(note, "manifest.json")
            for name, path in parts.items():
                archive.add(path, name)
            files = [path for name in _FOLDERS for path in (settings.home / name).glob("??/*")
                     if path.is_file()]  # fmt: skip
            with click.progressbar(files, label="Blobs", file=sys.stderr) as shown:
                for path in shown:
                    _add(archive, path, str(path.relative_to(settings.home)))
        with open(draft, "rb") as written:
            os.fsync(written.fileno())
        draft.replace(file)
    click.echo(f"{file}: {file.stat().st_size} bytes, {len(files)} blobs", err=True)


@click.command(help="Restore an archive into a home that is empty.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def restore(file: Path) -> None:
    """Restore a backup; every part is checked before anything is written."""
    settings = Settings.load()
    home = settings.home
    if (home / "secrets.json").exists():
        raise Problem("restore.full", f"{home} is in use already.",
                      next_step="Set OPENHAVEN_HOME to an empty folder.")  # fmt: skip
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=home) as name:
        work = Path(name)
        _unpack(file, work)
        manifest = _checked(work)
        with _server(settings, Secrets.at(work / "secrets.json")) as server:
            _refuse_full(server.url)
            _program(server, "pg_restore", "--no-owner", "--exit-on-error", "--single-transaction",
                     str(work / "database.dump"))  # fmt: skip
            migrate(server.url)
        for folder in _FOLDERS:
            if (work / folder).is_dir():
                (work / folder).replace(home / folder)
        # The secrets come last: with them the home counts as in use.
        for part in sorted(manifest.parts.keys() - {"database.dump"}, key=_PARTS[::-1].index):
            (work / part).replace(home / part)
    click.echo(
        f"Restored the backup of {manifest.made_at}. Now run: openhaven ledger verify", err=True
    )


@click.command(help="Bring the database to this version of the program (a start does so, too).")
def upgrade() -> None:
    """Apply the migrations that are missing, and say which."""
    settings = Settings.load()
    secrets = Secrets.at(settings.home / "secrets.json")
    with _server(settings, secrets) as server:
        applied = migrate(server.url)
    click.echo("\n".join(applied) if applied else "Nothing to do: the database is at this version.")


def _server(settings: Settings, secrets: Secrets) -> postgres.Server:
    url = settings.database_url or None
    if url:
        connect(url).close()
    return postgres.start(settings.home, url=url, password=secrets.database_password)


def _copied(path: Path, folder: Path) -> Path:
    with _private(folder / path.name) as copy:
        copy.write(path.read_bytes())
    return folder / path.name


def _private(path: Path) -> BinaryIO:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _program(server: postgres.Server, name: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on the server; the password travels in its environment only."""
    info = {k: str(v) for k, v in psycopg.conninfo.conninfo_to_dict(server.url).items()}
    password = {"PGPASSWORD": info.pop("password")} if "password" in info else {}
    target = "--dbname=" + psycopg.conninfo.make_conninfo(**info)
    command = (str(find_programs().folder / name), target, *arguments)
    done = subprocess.run(  # noqa: S603 (PostgreSQL's own program)
        command, capture_output=True, check=False, env=dict(os.environ) | password
    )
    if done.returncode:
        raise Problem("database.program", f"{name} failed.", done.stderr.decode()[-500:].strip())


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    try:
        archive.add(path, name)
    except FileNotFoundError:
        # Retention deleted it in this moment: its row says so, and nobody misses it.
        return


def _unpack(file: Path, folder: Path) -> None:
    """Write what the backup `file` holds into `folder`; raises `Problem` when it is none.

    By hand, because the Python of Debian 12 (3.11.2) does not know `extractall(filter=…)` yet.
    """
    try:
        with tarfile.open(file) as archive:
            for member in archive:
                _write(archive.extractfile(member) if member.isreg() else None, member.name, folder)
    except tarfile.TarError as error:
        raise _no_backup() from error


def _write(content: IO[bytes] | None, name: str, folder: Path) -> None:
    if content is None or not _MEMBER.fullmatch(name):
        raise _no_backup()
    path = folder / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with content, _private(path) as out:
        shutil.copyfileobj(content, out)


def _no_backup() -> Problem:
    return Problem("restore.no_backup", "This file is no backup of Openhaven.")


def _checked(folder: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise _no_backup() from error
    if not {"database.dump", "secrets.json"} <= manifest.parts.keys() <= {"database.dump", *_PARTS}:
        raise _no_backup()
    for name, wanted in manifest.parts.items():
        if not (folder / name).is_file() or _sha256(folder / name) != wanted:
            raise Problem("restore.damaged", f"The part {name} of this backup is damaged.",
                          next_step="Use another backup; nothing was written.")  # fmt: skip
    return manifest


def _refuse_full(url: str) -> None:
    with connect(url) as connection:
        if connection.execute("SELECT to_regclass('events')").fetchone() != (None,):
            raise Problem("restore.full", "The database is not empty.",
                          next_step="Give an empty database.")  # fmt: skip


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
