"""The bundled PostgreSQL: started as our child, ended with us, and never left behind.

One launcher at a time owns a home: it holds the lock `postgres.lock`, which the kernel releases
with its death. Everybody else who asks attaches to the server of the owner. The server listens on
a socket in a private directory only; a password guards it as well.
"""

import fcntl
import hashlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from openhaven.core import Problem
from openhaven.storage import cluster
from openhaven.storage.process import end, last_lines, spawn, trim_log, wait_until
from openhaven.storage.programs import ENVIRONMENT, Programs, Way, choose_way, find_programs

_SOCKET_LIMIT = 107  # bytes of a path that fit into sockaddr_un (unix(7)), without the final NUL
_SOCKET_NAME = "/.s.PGSQL.5432"
_FAST, _IMMEDIATE = signal.SIGINT, signal.SIGQUIT
_PATIENCE = 15.0
_START = 60.0
_RECOVERY = 600.0
Say = Callable[[str], None]


def to_stderr(sentence: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(f"openhaven: {sentence}\n")
    sys.stderr.flush()


class Server:
    """A PostgreSQL that answers at `url` until `stop`; `about` says in words which and whose."""

    def __init__(self, url: str, about: str, running: "_Running | None" = None) -> None:
        self.url = url
        self.about = about
        self._running = running

    @property
    def owned(self) -> bool:
        """Whether `stop` ends the server: it was started here, not given and not attached to."""
        return self._running is not None

    def alive(self) -> bool:
        """Say whether the server runs; of one that we do not own we assume so."""
        return self._running is None or self._running.process.poll() is None

    def restart(self) -> None:
        """Start an owned server again after it has ended by itself. Raises `Problem`."""
        if self._running:
            self._running.launch()

    def tidy(self) -> None:
        """Keep the server's log within its limit; call it now and then."""
        if self._running:
            trim_log(self._running.log)

    def stop(self) -> None:
        """End an owned server: fast shutdown, then harder; nothing is left. May be called twice."""
        running, self._running = self._running, None
        if running:
            running.stop()

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(
    home: Path,
    *,
    url: str | None = None,
    password: str = "",
    attach: bool = True,
    account: str | None = None,
    say: Say = to_stderr,
) -> Server:
    """Return a PostgreSQL for `home`: the one at `url`, else one that already runs, else our own.

    `password` is that of the role `openhaven`, from the file of secrets. With `attach=False` a
    server that another Openhaven runs on this home is refused, after 15 seconds in which a short
    command may end. `account` is who runs PostgreSQL when we are root (default: a user namespace).
    Call it from the main thread: the server gets a signal when the thread that started it ends.
    Raises `Problem` for everything a person must mend.
    """
    if url:
        return Server(url, "the database that was given")
    home = home.resolve()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _lock_or_attach(home, attach)
        if isinstance(lock, Path):
            return Server(_url(lock, password), "the server of another Openhaven on this home")
        return _own(home, lock, password, account, say)
    except PermissionError as error:
        raise Problem(
            "home.closed",
            f"{error.filename or home} is closed to you.",
            status=503,
            next_step=f"Start as the user who owns {home}, or set OPENHAVEN_HOME.",
        ) from error


def _lock_or_attach(home: Path, attach: bool) -> int | Path:
    """Return the lock of the home (a descriptor), or the socket directory of a running server."""
    deadline = time.monotonic() + (_START if attach else _PATIENCE)
    seen = False
    while (lock := _lock(home)) is None:
        # Seen twice: an owner that is being killed holds its lock for a moment longer.
        if attach and seen and cluster.ready(home / "postgres"):
            return Path(cluster.postmaster(home / "postgres")[4])
        if time.monotonic() > deadline:
            raise _occupied(home)
        seen = cluster.ready(home / "postgres")
        time.sleep(0.05)
    return lock


def _own(home: Path, lock: int, password: str, account: str | None, say: Say) -> Server:
    try:
        data = home / "postgres"
        programs, way = choose_way(home, find_programs(cluster.major_of(data)), account)
        if cluster.major_of(data) is None:
            cluster.make(data, programs, way, password)
        cluster.give_to(data, way.uid)
        cluster.evict(data, say)
        if cluster.agree_on_password(data, programs, way, password):
            say("The file of secrets has changed: the database password was set anew.")
        running = _Running(home, lock, programs, way, say)
        running.launch()
    except BaseException:
        os.close(lock)
        raise
    about = f"PostgreSQL {programs.version} from {programs.source}, {way.about}"
    return Server(_url(running.socket, password), about, running)


@dataclass
class _Running:
    """A server that we started, with all that is needed to start it again."""

    home: Path
    lock: int
    programs: Programs
    way: Way
    say: Say

    def __post_init__(self) -> None:
        self.data = self.home / "postgres"
        self.log = self.home / "logs" / "postgres.log"
        self.socket = socket_folder(self.home, self.way.uid)
        self.process: subprocess.Popen[bytes]

    def launch(self) -> None:
        """Start the server and wait until it takes connections; crash recovery may take minutes.

        For 15 seconds a start that fails because of somebody's lock is tried again.
        """
        deadline = time.monotonic() + _PATIENCE
        self._clear()
        while not self._try():
            words = last_lines(self.log)
            if time.monotonic() > deadline or not ("lock file" in words or "in use" in words):
                raise Problem(
                    "database.start",
                    "PostgreSQL did not start.",
                    words,
                    status=503,
                    next_step=f"Its log is {self.log}.",
                )
            time.sleep(0.5)
            self._clear()

    def _clear(self) -> None:
        cluster.evict(self.data, self.say)
        # The socket has a lock file of its own; nobody who could hold it lives.
        for name in (_SOCKET_NAME, f"{_SOCKET_NAME}.lock"):
            Path(f"{self.socket}{name}").unlink(missing_ok=True)

    def _try(self) -> bool:
        command = [*self.way.prefix, str(self.programs.folder / "postgres"), "-D", str(self.data)]
        for name, value in server_options(self.programs.major, self.socket).items():
            command += ["-c", f"{name}={value}"]
        self.process = spawn(command, env=ENVIRONMENT, on_parent_death=_FAST, log=self.log,
                             account=self.way.account)  # fmt: skip
        try:
            if not wait_until(self._settled, 10):
                self.say("PostgreSQL recovers from an unclean end; this may take some minutes.")
                wait_until(self._settled, _RECOVERY)
        except BaseException:
            self._end()
            raise
        if cluster.ready(self.data) and self.process.poll() is None:
            return True
        self._end()
        return False

    def _settled(self) -> bool:
        return self.process.poll() is not None or cluster.ready(self.data)

    def _end(self) -> None:
        end(self.process, [(_FAST, 30), (_IMMEDIATE, 5), (signal.SIGKILL, 5)])

    def stop(self) -> None:
        """End the server, remove a socket directory outside of the home, give up the home."""
        self._end()
        if self.home not in self.socket.parents:
            with suppress(OSError):
                self.socket.rmdir()
        os.close(self.lock)


def server_options(major: int, socket: Path) -> dict[str, str]:
    """Return the settings that we start PostgreSQL `major` with; they win over its files.

    No TCP; modest memory; a log that never holds the text of a statement, of its parameters, of a
    row (errors go to the client, which knows what may be logged).
    """
    options = {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_directories": str(socket),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "cluster_name": "openhaven",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] ",
        "jit": "off",
        "max_connections": "80",
        "shared_buffers": "64MB",
        "effective_cache_size": "512MB",
        "work_mem": "4MB",
        "maintenance_work_mem": "64MB",
        "autovacuum_max_workers": "2",
        "max_worker_processes": "4",
        "max_parallel_workers_per_gather": "0",
        "max_logical_replication_workers": "0",
        "max_wal_size": "512MB",
        "random_page_cost": "1.1",
    }
    if major >= 18:
        # Worker processes for reading only pay with slow disks and large scans.
        options["io_method"] = "sync"
    return options


def socket_folder(home: Path, uid: int, environ: Mapping[str, str] = os.environ) -> Path:
    """Return a private directory (0700, owned by `uid`) whose socket path fits into 107 bytes.

    It is `home/run` when that is short enough, else one under XDG_RUNTIME_DIR or /tmp with a name
    that depends on `home` alone. Raises `Problem` when somebody else made that name first.
    """
    inside = home / "run"
    name = f"openhaven-{uid}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    choices = [inside, *([Path(runtime) / name] if runtime else []), Path("/tmp") / name]  # noqa: S108
    fitting = [
        path for path in choices if len(os.fsencode(path) + _SOCKET_NAME.encode()) <= _SOCKET_LIMIT
    ]
    folder = next(path for path in fitting if path == inside or path.parent.is_dir())
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        cluster.give(folder, uid)
    if folder == inside:
        # Nobody else makes anything in the home; root may have used another account last time.
        cluster.give(folder, uid)
    _insist_private(folder, uid)
    return folder


def _insist_private(folder: Path, uid: int) -> None:
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != uid:
        raise Problem(
            "socket.taken",
            f"{folder} belongs to somebody else.",
            "PostgreSQL's socket must lie in a directory that only its owner can enter.",
            status=503,
            next_step="Remove it, or set OPENHAVEN_HOME to a shorter path.",
        )
    if facts.st_mode & 0o077:
        folder.chmod(0o700)


def _lock(home: Path) -> int | None:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    lock = os.open(home / "postgres.lock", flags, 0o600)
    # What root makes in the home of somebody else must not lock that person out.
    cluster.give(home / "postgres.lock", home.stat().st_uid)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    os.truncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _occupied(home: Path) -> Problem:
    return Problem(
        "home.occupied",
        f"Another Openhaven (process {(home / 'postgres.lock').read_text()}) runs on {home}.",
        status=503,
        next_step="Stop it, or set OPENHAVEN_HOME (and OPENHAVEN_PORT) to run a second one.",
    )


def _url(socket: Path, password: str) -> str:
    secret = f":{quote(password, safe='')}" if password else ""
    return f"postgresql://{cluster.ROLE}{secret}@/{cluster.ROLE}?host={quote(str(socket), safe='')}"
