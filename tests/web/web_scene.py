"""A small house behind the real door, answering on a real socket."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import msgspec
import urllib3

from openhaven.core import Problem
from openhaven.storage import Settings
from openhaven.web import Answer, Call, as_json, live
from openhaven.web.app import build_app, listen, server_for
from openhaven.web.routes import ROUTES
from openhaven.web.table import PUBLIC, Route

if TYPE_CHECKING:
    from openhaven.line import Haven


class Animal(msgspec.Struct, forbid_unknown_fields=True):
    """A body for tests: one of each kind of field."""

    name: str
    legs: int = 4
    tags: dict[str, str | int | float | bool | None] = {}
    young: "tuple[Animal, ...]" = ()


def echo(call: Call) -> Answer:
    return as_json(call.json(Animal))


def form(call: Call) -> Answer:
    return as_json({"form": call.form(), "all": call.form().all("a")})


def size(call: Call) -> Answer:
    return as_json({"bytes": len(call.body())})


def path(call: Call) -> Answer:
    return as_json({"path": call.path["id"], "query": call.query, "client": call.client})


def trouble(call: Call) -> Answer:
    raise RuntimeError("secret words that nobody may see")


def refusal(call: Call) -> Answer:
    raise Problem("tea.pot", "It is a teapot.", "short", status=418, next_step="Ask for tea.")


def slow(call: Call) -> Answer:
    time.sleep(0.2)
    return as_json({})


class Clock:
    """What the live page shows."""

    text = "one"


def watch(call: Call) -> Answer:
    return live(call, "clock", lambda: Clock.text)


TABLE: tuple[Route, ...] = (
    Route(method="POST", path="/v1/animals", handler=echo, gate=PUBLIC, summary="Echo",
          takes="json", request=Animal, answer=Animal),
    Route(method="GET", path="/v1/animals/{id}", handler=path, gate=PUBLIC, summary="Path",
          answer=dict[str, Any]),
    Route(method="POST", path="/form", handler=form, gate=PUBLIC, summary="Form", takes="form",
          answer=dict[str, Any]),
    Route(method="POST", path="/bytes", handler=size, gate=PUBLIC, summary="Size", takes="bytes",
          answer=dict[str, Any]),
    Route(method="POST", path="/limited", handler=form, gate=PUBLIC, summary="Rate", takes="form",
          rate="report", answer=dict[str, Any]),
    Route(method="GET", path="/trouble", handler=trouble, gate=PUBLIC, summary="Trouble"),
    Route(method="GET", path="/tea", handler=refusal, gate=PUBLIC, summary="Refusal"),
    Route(method="GET", path="/slow", handler=slow, gate=PUBLIC, summary="Slow"),
    Route(method="GET", path="/animals/live", handler=watch, gate=PUBLIC, summary="Live"),
)  # fmt: skip


def house(home: Path, db: object = None, **settings: Any) -> "Haven":
    """Return what the web frame needs of a haven: settings and, if given, a database."""
    made = Settings(home=home, **settings)
    packs = SimpleNamespace(current=SimpleNamespace(fingerprint="f00d"), trouble="")
    return cast("Haven", SimpleNamespace(settings=made, db=db, packs=packs))


@dataclass(frozen=True)
class Reply:
    """An answer as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Place:
    """A running server: ask it, or speak raw bytes to it."""

    port: int
    server: "Any"
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=20))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        given = self.pool.request(method, self.url + path, body=body, headers=dict(headers or {}),
                                  redirect=False, retries=False, timeout=300)  # fmt: skip
        return Reply(given.status, {k.lower(): v for k, v in given.headers.items()}, given.data)

    def post_json(self, path: str, body: Any, **headers: str) -> Reply:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", path, raw, {"content-type": "application/json", **headers})

    def raw(self, data: bytes | Sequence[bytes], pause: float = 0.0) -> bytes:
        """Send bytes as they are and return everything that comes back before the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=300) as line:
            # A server that refuses may close before everything was sent.
            with suppress(OSError):
                for chunk in [data] if isinstance(data, bytes) else data:
                    line.sendall(chunk)
                    time.sleep(pause)
                line.shutdown(socket.SHUT_WR)
            found = b""
            with suppress(ConnectionResetError):
                while more := line.recv(65_536):
                    found += more
            return found


@contextmanager
def serving(haven: "Haven", routes: Sequence[Route] = TABLE) -> Iterator[Place]:
    """Run the application on a free port, in a thread."""
    listener = listen("127.0.0.1", 0)
    server = server_for(build_app(haven, (*routes, *ROUTES)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Place(listener.getsockname()[1], server)
    finally:
        server.stop()
        thread.join(300)
        assert not thread.is_alive()
        listener.close()
