"""The data directory of the bundled PostgreSQL: made whole or not at all, and who lives in it."""

import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from openhaven.core import Problem
from openhaven.storage.process import wait_until
from openhaven.storage.programs import Programs, Way

ROLE = "openhaven"
_MARK = "openhaven.password"
_HBA = "# Password only, over the private socket only.\nlocal all all scram-sha-256\n"


def major_of(data: Path) -> int | None:
    """Return the major version of the PostgreSQL that wrote `data`, or None when there is none."""
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def make(data: Path, programs: Programs, way: Way, password: str) -> None:
    """Make a new cluster at `data`, with the role and the database `openhaven`.

    It is made beside its place and renamed when it is complete, so that a crash in between leaves
    nothing that looks like a database. Raises `Problem` with PostgreSQL's own words.
    """
    draft = data.with_name(f"{data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    give(draft, way.uid)
    _must(way.run([str(programs.folder / "initdb"), "-D", str(draft), "-U", "postgres",
                   "-A", "reject", "--data-checksums", *_locale(programs.major)]))  # fmt: skip
    (draft / "pg_hba.conf").write_text(_HBA)
    # The superuser has no password and so cannot sign in; the program's own role is none.
    _single(draft, programs, way, f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD {_quote(password)}")
    _single(draft, programs, way, f"CREATE DATABASE {ROLE} OWNER {ROLE}")
    _remember(draft, password)
    draft.rename(data)


def agree_on_password(data: Path, programs: Programs, way: Way, password: str) -> bool:
    """Set the role's password anew when the file of secrets is another than last time.

    Who owns the data directory owns the data, so this opens nothing. Returns whether it was set.
    """
    with suppress(FileNotFoundError):
        if (data / _MARK).read_text() == _digest(password):
            return False
    _single(data, programs, way, f"ALTER ROLE {ROLE} PASSWORD {_quote(password)}")
    _remember(data, password)
    return True


def give_to(data: Path, uid: int) -> None:
    """Make `uid` the owner of everything in `data` (root only; after a change of the way)."""
    if data.stat().st_uid == uid or os.getuid() != 0:
        return
    for parent, folders, files in os.walk(data):
        for name in (*folders, *files):
            give(Path(parent) / name, uid)
    give(data, uid)


def postmaster(data: Path) -> list[str]:
    """Return the lines of `postmaster.pid` (empty when there is none).

    Pid, data directory, start time, port, socket directory, address, memory key, status
    (PostgreSQL's `utils/pidfile.h`).
    """
    try:
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    except OSError:
        return []


def ready(data: Path) -> bool:
    """Say whether a server lives in `data` and takes connections."""
    lines = postmaster(data)
    # The file of a server that was killed still says ready: its process must be there as well.
    return len(lines) > 7 and lines[7] == "ready" and _works_in(data, int(lines[0]))


def living(data: Path) -> list[int]:
    """Return the pids of the PostgreSQL processes whose working directory is `data`.

    Every process of a server goes there at its start. Zombies are not among them.
    """
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return [pid for pid in pids if _works_in(data, pid)]


def evict(data: Path, say: Callable[[str], None], patience: float = 15) -> None:
    """End a server that a dead launcher left in `data`, and take away its stale lock file.

    The caller holds the lock of the home, so no other launcher is at work. Right after a SIGKILL
    the dead server can be a zombie for seconds, or its pid can already belong to somebody else:
    PostgreSQL then refuses to start because of its lock file. When no PostgreSQL process works in
    the directory the file means nothing. Raises `Problem` when somebody does not leave.
    """
    if living(data):
        say("A PostgreSQL server of an earlier run is still here; it is being stopped.")
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        for pid in _leaders(data) if number != signal.SIGKILL else living(data):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if wait_until(lambda: not living(data), patience):
            break
    if left := living(data):
        raise Problem(
            "database.occupied",
            f"Another PostgreSQL works in {data} and does not stop.",
            f"Processes: {', '.join(map(str, left))}.",
            status=503,
            next_step="Stop it, then start again.",
        )
    (data / "postmaster.pid").unlink(missing_ok=True)


def _leaders(data: Path) -> list[int]:
    lines = postmaster(data)
    return [int(lines[0])] if lines and _works_in(data, int(lines[0])) else []


def _works_in(data: Path, pid: int) -> bool:
    try:
        if os.readlink(f"/proc/{pid}/cwd") != os.path.realpath(data):
            return False
        program = Path(os.readlink(f"/proc/{pid}/exe")).name
    except OSError:
        return False
    # An upgrade of the wheel turns the name into "postgres (deleted)".
    return program.split(" ")[0] in ("postgres", "postmaster")


def _locale(major: int) -> list[str]:
    if major >= 17:
        return ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--encoding=UTF8", "--no-locale"]


def _single(data: Path, programs: Programs, way: Way, sql: str) -> None:
    # The single-user mode needs no connection and therefore no door that a password would guard.
    _must(way.run([str(programs.folder / "postgres"), "--single", "-D", str(data),
                   "-c", "exit_on_error=on", "-c", "log_min_error_statement=panic",
                   "postgres"], text=sql + "\n"))  # fmt: skip


def _must(answer: subprocess.CompletedProcess[str]) -> None:
    if answer.returncode != 0:
        raise Problem(
            "database.initial",
            "PostgreSQL could not make its data directory.",
            answer.stderr.strip()[-600:],
            status=503,
            next_step="Is the disk full, or the home closed? See the words of PostgreSQL above.",
        )


def _quote(text: str) -> str:
    if any(character in text for character in "\n\r\0\\"):
        raise Problem("secrets.broken", "The database password holds a character that it must not.")
    return "'" + text.replace("'", "''") + "'"


def _digest(password: str) -> str:
    # The password is 32 random bytes, so that a plain hash tells nothing about it.
    return hashlib.sha256(b"openhaven.database\0" + password.encode()).hexdigest()


def _remember(data: Path, password: str) -> None:
    with open(os.open(data / _MARK, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(_digest(password))
    give(data / _MARK, data.stat().st_uid)


def give(path: Path, uid: int) -> None:
    """Make `uid` the owner of `path`, when we are root."""
    if os.getuid() == 0:
        os.chown(path, uid, -1, follow_symlinks=False)
