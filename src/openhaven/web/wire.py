"""The wire below the door: the head of a request may be neither endless nor slow.

uvicorn reads a head of any size and waits for it for ever; a proxy in front would not, but the door
should not depend on one. It also sends the head and the body of an answer one after the other, so
that whoever waits for it is woken twice; here the two leave together.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from openhaven.core import Problem
from openhaven.web.call import PROBLEM, as_json

HEAD_BYTES = 65_536
HEAD_SECONDS = 20.0


class Together:
    """A transport on which what is written first waits for what is written next.

    When nothing follows before the loop turns, it leaves alone: a live page begins at once.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._first = b""
        self._turn: asyncio.Handle | None = None

    def write(self, data: bytes) -> None:
        """Keep the data for a moment, or send it with what was kept."""
        if self._turn is not None:
            self._first += data
            self.flush()
        elif data:
            self._first = data
            self._turn = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send what was kept."""
        if self._turn is not None:
            self._turn.cancel()
            first, self._first, self._turn = self._first, b"", None
            self._transport.write(first)

    def close(self) -> None:
        """Send what was kept, and close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)


class Wire(HttpToolsProtocol):
    """HTTP/1.1 on one connection, with limits for the head of each request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._head = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        together = Together(transport, self.loop)
        super().connection_made(cast(asyncio.Transport, together))
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; refuse (431) when the head is still not complete after 64 KiB."""
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self._refuse(Problem("head.too_large", "The head of this request is too large.",
                                     status=431, next_step="Send shorter headers."))  # fmt: skip

    def on_message_begin(self) -> None:
        """Begin to wait for the head of a further request on this connection."""
        super().on_message_begin()
        if not self._in_head:
            self._begin()

    def on_headers_complete(self) -> None:
        """Hand the request to the door."""
        self._end()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        del msg
        self._refuse(Problem("request.unreadable", "This is no HTTP request.", status=400))

    def _begin(self) -> None:
        self._in_head, self._head = True, 0
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _end(self) -> None:
        self._in_head = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._refuse(Problem("head.slow", "The head of this request came too slowly.", status=408))

    def _refuse(self, problem: Problem) -> None:
        self._end()
        body = as_json(problem.body()).body
        head = (
            f"HTTP/1.1 {problem.status} Refused\r\ncontent-type: {PROBLEM}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
