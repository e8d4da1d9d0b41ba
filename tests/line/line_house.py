"""The real processes of an installation, started and killed at will."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from line_scene import Scene

from ports import free_port

CHILD = Path(__file__).with_name("crash_child.py")


class House:
    """The two processes of a real installation, started and killed at will."""

    def __init__(self, here: Scene) -> None:
        self.port = free_port()
        self.env = os.environ | {
            "OPENHAVEN_HOME": str(here.haven.settings.home),
            "OPENHAVEN_DATABASE_URL": here.haven.db.url,
            "OPENHAVEN_PORT": str(self.port),
        }
        self.log = open(here.haven.settings.home / "test.log", "ab")  # noqa: SIM115

    def start(
        self, verb: str, death: tuple[str, str, int] | None = None
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "openhaven", verb]
        if death is not None:
            command = [sys.executable, str(CHILD), verb, death[0], death[1], str(death[2])]
        return subprocess.Popen(command, env=self.env, stdout=self.log, stderr=self.log)

    def wait(self, seconds: float = 300) -> None:
        """Wait until the API answers."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("the API did not come up")


@contextmanager
def stopping(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=300)
