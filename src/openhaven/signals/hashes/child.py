"""One decoder process held on a line: started on demand, killed when it is late or broken."""

import os
import socket
import subprocess
import sys
import time

import msgspec

from openhaven.signals.hashes.wire import Answer, Job, receive, send

MODULE = "openhaven.signals.hashes.decoder"
START_S = 30.0
LATE = "decoding took too long and was stopped"
CRASHED = "decoding failed and was stopped"
NOT_STARTED = "the decoder could not be started"


class Child:
    """A decoder process. Not safe for two threads at once: `MediaHasher` lends it to one."""

    def __init__(self, idle_s: float, module: str = MODULE) -> None:
        self._idle_s = idle_s
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def ask(self, job: Job, wall_s: float) -> Answer:
        """Return the decoder's answer, or one with `unknown` set; never raises for a bad picture.

        `wall_s` counts from when the job is handed over, not from the start of the process.
        """
        for _ in range(2):
            if not self._ready():
                return Answer(unknown=NOT_STARTED)
            found = self._exchange(job, wall_s)
            if found is not None:
                return found
            # It had just ended itself for idleness as the job came; a fresh one takes it.
        return Answer(unknown=CRASHED)

    def stop(self) -> None:
        """End the process, if there is one, and wait for it."""
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._line = self._process = None

    def _ready(self) -> bool:
        if self.pid is not None:
            return True
        self.stop()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", self._module, str(self._idle_s)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
            )
        self._line = ours
        ours.settimeout(START_S)
        try:
            if receive(ours, Answer) is not None:
                return True
        except (OSError, EOFError, ValueError):
            pass
        self.stop()
        return False

    def _exchange(self, job: Job, wall_s: float) -> Answer | None:
        """Return the answer, or None when the process ended by itself before it took the job."""
        if self._line is None or self._process is None:
            return None
        try:
            until = time.monotonic() + wall_s
            self._line.settimeout(wall_s)
            send(self._line, job)
            self._line.settimeout(max(until - time.monotonic(), 0.001))
            found = receive(self._line, Answer)
        except TimeoutError:
            self.stop()
            return Answer(unknown=LATE)
        except (OSError, EOFError, msgspec.MsgspecError, ValueError):
            found = None
        if found is None:
            return self._ended()
        return found

    def _ended(self) -> Answer | None:
        process = self._process
        try:
            code = process.wait(1.0) if process is not None else 0
        except subprocess.TimeoutExpired:
            code = -1
        self.stop()
        return None if code == 0 else Answer(unknown=CRASHED)


_PASSED = ("NUMBA_CACHE_DIR",)  # where compiled code is kept, if not beside the source


def _environment() -> dict[str, str]:
    """Return what the child needs and nothing else: no secret of ours stands in its memory."""
    return {name: os.environ[name] for name in _PASSED if name in os.environ} | {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
    }
