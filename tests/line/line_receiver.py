"""A small real platform: takes signed webhooks over HTTP and remembers every one it took."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], int]


class Receiver:
    """What arrived, in order: headers and the act. `answer` chooses the status."""

    def __init__(self) -> None:
        self.acts: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Answer = lambda act: 204
        self.url = ""

    def ids(self) -> set[str]:
        return {act["id"] for act in self.acts}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver on loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            act = json.loads(body)
            status = receiver.answer(act)
            receiver.headers.append(
                {k.lower(): v for k, v in self.headers.items()} | {"raw": body.decode()}
            )
            receiver.acts.append(act)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/acts"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
