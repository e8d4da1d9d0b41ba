"""What is said between a room and its decoder process: length-prefixed MessagePack, both typed."""

import socket
from typing import TypeVar

import msgspec

from openhaven.signals.hashes.model import Reading

T = TypeVar("T")
LONGEST = 96 * 1024 * 1024


class Job(msgspec.Struct, frozen=True):
    """One piece to look at (`max_px` 0) or to make a preview of, with time and size allowed.

    Of films also what kind they are, and where to look closely (from, to in ms), or at the `whole`.
    """

    data: bytes
    max_px: int
    cpu_s: int
    kind: str = ""
    dense: tuple[tuple[int, int], ...] = ()
    whole: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What the decoder saw. Either `unknown` has the reason, or the other fields are filled.

    A picture that is cut off, or a film too long to look at wholly, has both: what was seen of it,
    and the reason.
    """

    width: int = 0
    height: int = 0
    pdq: bytes | None = None
    quality: int | None = None
    others: tuple[Reading, ...] = ()
    preview: bytes | None = None
    unknown: str | None = None
    film: bytes = b""
    plugin_hashes: tuple[bytes, ...] = ()


def send(line: socket.socket, message: Job | Answer) -> None:
    """Send one message; raises OSError when the other side is gone or too slow."""
    body = msgspec.msgpack.encode(message)
    line.sendall(len(body).to_bytes(4, "big"))
    line.sendall(body)


def receive(line: socket.socket, kind: type[T]) -> T | None:
    """Return the next message, or None at a clean end.

    Raises OSError (TimeoutError among them), EOFError when the line breaks inside a message, and
    msgspec.ValidationError or ValueError when what came is not a message.
    """
    head = _exactly(line, 4)
    if not head:
        return None
    size = int.from_bytes(head, "big")
    if len(head) < 4 or size > LONGEST:
        raise EOFError("not a message")
    body = _exactly(line, size)
    if len(body) < size:
        raise EOFError("the message ends too early")
    return msgspec.msgpack.decode(body, type=kind)


def _exactly(line: socket.socket, size: int) -> bytearray:
    buffer = bytearray()
    while len(buffer) < size:
        part = line.recv(min(size - len(buffer), 1 << 20))
        if not part:
            break
        buffer += part
    return buffer
