"""A client, and a house that it reaches, which can be taken away and come back."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from protection_scene import Asker, asking

from openhaven.client import Client

if TYPE_CHECKING:
    from openhaven.line import Haven


def nowhere() -> str:
    """Return an address at which nobody answers."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{door.getsockname()[1]}"


def _patient(url: str, key: str, follow: float) -> Client:
    """Return a client for which no answer comes too late and nothing gets old during a test."""
    return Client(url, key, seconds=300, follow=follow, fresh=3_600, lifetime=36_000)


@contextmanager
def connected(haven: "Haven", follow: float = 0.1) -> Iterator[tuple[Asker, Client]]:
    """Serve the house, and hand out a platform that asks over HTTP and one that has the client."""
    with (
        asking(haven) as asker,
        _patient(asker.place.url, asker.scene.key, follow) as client,
    ):
        yield asker, client


def soon(what: Callable[[], bool], seconds: float = 300.0) -> None:
    """Wait until something is so; fail when it does not come true."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)
