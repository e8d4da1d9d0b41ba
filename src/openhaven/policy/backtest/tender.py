"""Starts the process that works on back-tests, and sees to it that it ends with us.

The process is apart from the line: it has the lowest priority (nice 19, and idle disk time where
`ionice` is there), one thread, and ends when the pipe from its parent closes.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import structlog

from openhaven.core import new_id, system
from openhaven.policy.backtest import actions, store
from openhaven.storage import Database

log = structlog.get_logger("backtest")
ME = system("backtest")
MODULE = "openhaven.policy.backtest.child"
_GRACE_S = 3.0


class Tender:
    """Called about once a second by a worker: starts a process when a back-test waits."""

    def __init__(self, db: Database, home: Path) -> None:
        self._db = db
        self._home = home
        self._runner = ""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The id of the process while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def tend(self) -> int:
        """Start the process if it is needed, and take back what one left that died; returns 0."""
        if self._process is not None and self._process.poll() is not None:
            self._mourn(self._process)
        if self._process is None and self._needed():
            self._start()
        return 0

    def stop(self) -> None:
        """Let the process give back what it works on, and end it."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _needed(self) -> bool:
        with self._db.read() as tx:
            return store.waits(tx)

    def _start(self) -> None:
        self._runner = new_id("run")
        gentle = [shutil.which("ionice"), "-c", "3"] if shutil.which("ionice") else []
        argv = [*gentle, sys.executable, "-P", "-m", MODULE, self._runner]
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            [part for part in argv if part],
            stdin=subprocess.PIPE,
            cwd="/",
            env=_environment(self._home, self._db.url),
        )

    def _mourn(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is not None:
            process.stdin.close()
        self._process = None
        if process.returncode:
            log.error("backtest.died", status=process.returncode)
            with self._db.begin(ME) as tx:
                actions.bury(tx, self._runner)


def _environment(home: Path, url: str) -> dict[str, str]:
    """Return what the process needs and no more: a path, one thread, its home and its database."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    ours = {"OPENHAVEN_HOME": str(home.resolve()), "OPENHAVEN_DATABASE_URL": url}
    return kept | one | ours
