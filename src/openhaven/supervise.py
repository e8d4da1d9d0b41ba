"""The process tree of one machine: PostgreSQL, the API, the worker and the demo under one parent.

One Ctrl-C or SIGTERM stops the children first and PostgreSQL last. When the parent itself is
killed, the kernel takes the children down (parent-death signals), so that nothing is ever left.
"""

import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from openhaven.core import Problem
from openhaven.storage.postgres import Server, to_stderr
from openhaven.storage.process import end, last_lines, spawn, trim_log

_GRACE = 10.0
_TWICE_AT_ONCE = 0.3
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_STEADY = 60.0
_SERVER_PAUSE = 2.0
_TIDY_EVERY = 30.0
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Service:
    """A child process: its name for people, its command, its whole environment.

    `log` is the file for its output (default: our own output). `address` is the host and port that
    it answers on when it is ready (default: ready when started).
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    log: Path | None = None
    address: tuple[str, int] | None = None


def check_port(host: str, port: int, setting: str = "OPENHAVEN_PORT") -> None:
    """Make sure that we could listen on `host` and `port`; `setting` is what changes the port.

    Raises `Problem` when the port is taken, forbidden, or the address is not of this machine.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as probe:
            # As the web server does: a connection of an earlier run that lingers is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except PermissionError as error:
        raise Problem("port.forbidden", f"Port {port} is for root only.", str(error),
                      next_step=f"Set {setting} to a port above 1023.") from error  # fmt: skip
    except OSError as error:
        raise Problem("port.taken", f"Port {port} on {host} cannot be used.", error.strerror or "",
                      next_step=f"Stop the program that uses it, or set {setting} to another port.",
                      ) from error  # fmt: skip


def run_tree(
    services: Sequence[Service],
    server: Server | None = None,
    *,
    announce: Callable[[], None] | None = None,
    say: Callable[[str], None] = to_stderr,
) -> int:
    """Run `services` until Ctrl-C, SIGTERM or SIGHUP, then stop them and `server`; return 0.

    A service (or the server) that ends by itself is started again after a pause of 0.5 s that
    doubles up to 30 s while it keeps failing; every end is said. `announce` is called once, when
    every service with an address answers. A second Ctrl-C kills the services at once. Call it from
    the main thread. Raises `Problem` when the server cannot be started again.
    """
    children = [_Child(service, say) for service in services]
    with _signals() as caught:
        try:
            _watch(children, server, caught, announce, say)
        finally:
            _stop(children, caught)
            if server:
                server.stop()
    return 0


class _Child:
    """One service: its process, and when it may be started again."""

    def __init__(self, service: Service, say: Callable[[str], None]) -> None:
        self.service = service
        self.say = say
        self.process: subprocess.Popen[bytes] | None = None
        self.pause = _FIRST_PAUSE
        self.started = 0.0
        self.due = 0.0
        self.answered = False

    def tend(self, now: float) -> None:
        """Notice an end, and start the process when its time has come."""
        if self.process and self.process.poll() is not None:
            self._mourn(now)
        if self.process is None and now >= self.due:
            self._start(now)

    def ready(self) -> bool:
        """Say whether the service answers on its address, or has none."""
        if not self.answered and self.process is not None:
            self.answered = self.service.address is None or _answers(self.service.address)
        return self.answered

    def _start(self, now: float) -> None:
        self.started = now
        try:
            # The services are made to be killed at any moment; a gentle signal could leave one
            # that hangs behind, and with it a taken port.
            self.process = spawn(self.service.argv, env=self.service.env, log=self.service.log,
                                 on_parent_death=signal.SIGKILL)  # fmt: skip
        except OSError as error:
            self._retry(now, f"{self.service.name} could not be started ({error}).")

    def _mourn(self, now: float) -> None:
        assert self.process is not None
        status = end(self.process, [(signal.SIGKILL, 0)])
        self.process = None
        words = last_lines(self.service.log, 1) if self.service.log else ""
        self._retry(
            now, f"{self.service.name} ended by itself ({_manner(status)}). {words}".rstrip()
        )

    def _retry(self, now: float, sentence: str) -> None:
        if now - self.started > _STEADY:
            self.pause = _FIRST_PAUSE
        self.say(f"{sentence} Starting it again in {self.pause:g} s.")
        self.due = now + self.pause
        self.pause = min(2 * self.pause, _LONGEST_PAUSE)

    def tidy(self) -> None:
        """Keep the log of the service within its limit."""
        if self.service.log:
            trim_log(self.service.log)


class _Caught:
    """Signals as they arrive, read from a pipe so that waiting costs nothing."""

    def __init__(self, reader: int) -> None:
        self.reader = reader
        self.ending = False

    def wait(self, seconds: float) -> bool:
        """Sleep until a signal or `seconds`; return whether Ctrl-C was pressed just now."""
        readable, _, _ = select.select([self.reader], [], [], max(0.0, seconds))
        numbers = os.read(self.reader, 512) if readable else b""
        self.ending = self.ending or any(number in _ENDINGS for number in numbers)
        return signal.SIGINT in numbers


def _watch(
    children: Sequence[_Child],
    server: Server | None,
    caught: _Caught,
    announce: Callable[[], None] | None,
    say: Callable[[str], None],
) -> None:
    tidied = time.monotonic()
    mended = 0.0
    while not caught.ending:
        now = time.monotonic()
        if server and not server.alive() and now - mended > _SERVER_PAUSE:
            say("PostgreSQL ended by itself. Starting it again.")
            server.restart()
            mended = now
        for child in children:
            child.tend(now)
        if announce and all(child.ready() for child in children):
            announce()
            announce = None
        if now - tidied > _TIDY_EVERY:
            tidied = now
            for child in children:
                child.tidy()
            if server:
                server.tidy()
        caught.wait(_nap(children, now, bool(announce) or bool(server and not server.alive())))


def _nap(children: Sequence[_Child], now: float, expecting: bool) -> float:
    dues = [child.due - now for child in children if child.process is None]
    return min([0.1 if expecting else _TIDY_EVERY, *dues])


def _stop(children: Sequence[_Child], caught: _Caught) -> None:
    """End all services: a polite signal, ten seconds (or a second Ctrl-C), then the hard one."""
    processes = [child.process for child in children if child.process]
    for process in processes:
        if process.poll() is None:
            process.terminate()
    begun = time.monotonic()
    while any(process.poll() is None for process in processes):
        left = begun + _GRACE - time.monotonic()
        # Whoever ends a whole group of processes may reach us twice at once: that is no wish.
        impatient = caught.wait(min(0.5, left)) and time.monotonic() > begun + _TWICE_AT_ONCE
        if left <= 0 or impatient:
            break
    for process in processes:
        end(process, [(signal.SIGKILL, 5)])


@contextmanager
def _signals() -> Iterator[_Caught]:
    """Catch the ending signals and the deaths of children for the time of the block."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    # Who started us with nohup wants us to outlive the terminal.
    kept = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    numbers = {*_ENDINGS, signal.SIGCHLD} - ({signal.SIGHUP} if kept else set())
    handlers = {number: signal.signal(number, _note) for number in numbers}
    try:
        yield _Caught(reader)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(reader)
        os.close(writer)


def _note(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the number has already gone into the pipe."""


def _answers(address: tuple[str, int]) -> bool:
    with suppress(OSError), socket.create_connection(address, timeout=1):
        return True
    return False


def _manner(status: int | None) -> str:
    if status is None:
        return "it does not say how"
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit code {status}"
