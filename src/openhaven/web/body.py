"""Bodies: what kind, how large, how slow; read whole before anybody works on them."""

import asyncio
from collections.abc import Mapping
from types import TracebackType

from starlette.types import Receive

from openhaven.core import Problem
from openhaven.web.call import FORM, JSON, UPLOAD, Refusal
from openhaven.web.limits import Room
from openhaven.web.table import Takes

PATIENCE = 20.0
# Somebody on a slow line may take longer for a large body: at least this many bytes a second.
SLOWEST = 100_000


class ClientGoneError(Exception):
    """The client went away before the request was complete."""


def check_kind(takes: Takes, headers: Mapping[str, str]) -> None:
    """Raise `Refusal` (415) when the body's type or coding is not what the route takes."""
    if headers.get("content-encoding", "identity") != "identity":
        raise _wrong_kind(
            "Bodies are taken as they are, not compressed.", {"accept-encoding": "identity"}
        )
    if takes in ("nothing", "bytes"):
        return
    wanted = {"json": JSON, "upload": UPLOAD}.get(takes, FORM)
    given, _, parameters = headers.get("content-type", "").partition(";")
    kind = given.strip().lower()
    fits = kind == wanted or (
        takes == "json" and kind.startswith("application/") and kind.endswith("+json")
    )
    # A form that may carry a file may also be sent without one.
    fits = fits or (takes == "upload" and kind == FORM)
    if not fits:
        raise _wrong_kind(f"This address takes {wanted}.", {"accept-post": wanted})
    charset = parameters.partition("charset=")[2].strip(' "').lower()
    if charset not in ("", "utf-8", "utf8"):
        raise _wrong_kind("This address takes UTF-8 only.", {"accept-post": wanted})


class Reader:
    """Reads one body of at most `limit` bytes; holds its place in memory until the block ends."""

    def __init__(self, limit: int, room: Room) -> None:
        self._limit = limit
        self._room = room
        self._held = 0

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._room.give(self._held)

    async def read(self, receive: Receive, headers: Mapping[str, str]) -> bytes:
        """Return the body.

        Raises `Refusal`: 413 as soon as it is known to be too large, 408 when it comes too slowly;
        `ClientGoneError` when the client left.
        """
        self._check_declared(headers.get("content-length", "0"))
        try:
            async with asyncio.timeout(PATIENCE + self._limit / SLOWEST):
                return await self._chunks(receive)
        except TimeoutError as error:
            raise Refusal("body.slow", "The body came too slowly.", status=408,
                          next_step="Send it again over a better line.",
                          headers={"connection": "close"}) from error  # fmt: skip

    async def _chunks(self, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk = message.get("body", b"")
            self._hold(len(chunk))
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks) if len(chunks) > 1 else chunks[0]

    def _hold(self, size: int) -> None:
        if self._held + size > self._limit:
            raise self._too_large()
        self._room.take(size)
        self._held += size

    def _check_declared(self, length: str) -> None:
        if not length.isascii() or not length.isdigit():
            raise Problem("body.length", "The header Content-Length is no number.")
        if int(length[:20]) > self._limit:
            raise self._too_large()

    def _too_large(self) -> Problem:
        if self._limit == 0:
            return Problem("body.unwanted", "This address takes no body.", status=413)
        return Problem("body.too_large", "The body is too large.",
                       f"At most {self._limit} bytes are taken here.", status=413,
                       next_step="Send less at once.")  # fmt: skip


def _wrong_kind(title: str, headers: Mapping[str, str]) -> Refusal:
    return Refusal("body.kind", title, status=415, next_step="Set the header Content-Type.",
                   headers=headers)  # fmt: skip
