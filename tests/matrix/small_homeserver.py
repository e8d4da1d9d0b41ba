"""A very small homeserver: a real HTTP server that answers what a test has written down."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


class Small:
    """Answers by method and path; everything else is 404. `calls` is what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.calls: list[str] = []
        self.url = ""

    def answer(self, call: str, body: Any, status: int = 200) -> None:
        """Answer `GET /path` with a JSON value, bytes, or what a function makes of the query."""
        self.answers[call] = (status, body)

    def find(self, method: str, path: str) -> tuple[int, Any]:
        parts = urlsplit(path)
        call = f"{method} {unquote(parts.path)}"
        self.calls.append(call)
        missing = (404, {"errcode": "M_NOT_FOUND", "error": "not written down"})
        status, body = self.answers.get(call, missing)
        return status, body(dict(parse_qsl(parts.query))) if callable(body) else body


@contextmanager
def small_homeserver() -> Iterator[Small]:
    """Run a small homeserver on loopback for the length of the block."""
    small = Small()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # Head and body in one piece, or each answer waits for the other side.

        def reply(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status, body = small.find(self.command, self.path)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = reply  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    small.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield small
    finally:
        server.shutdown()
        server.server_close()
