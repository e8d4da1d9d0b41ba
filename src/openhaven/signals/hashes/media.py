"""What is known of a piece of media: its exact hashes, what it is, and how it looks."""

import hashlib
import queue
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from openhaven.core import Problem
from openhaven.signals.hashes.child import Child
from openhaven.signals.hashes.model import Reading
from openhaven.signals.hashes.sniff import sniff
from openhaven.signals.hashes.wire import Answer, Job

NOT_DECODED = "this kind of media is not decoded yet"
EMPTY = "the file is empty"
DECODED = frozenset(
    f"image/{kind}" for kind in ("avif", "bmp", "gif", "jpeg", "png", "tiff", "webp")
)


class MediaHash(msgspec.Struct, frozen=True):
    """Exact hashes (32, 20 and 16 bytes), the sniffed type, and what was seen of a picture.

    `pdq` (32 bytes) and `quality` (0 to 100) are None where there is no picture to see, and then
    `unknown` says why in plain words. `others` are further readings to look up, 15 at most. A
    picture that is cut off has both: the hash of what there is, and the reason.
    """

    sha256: bytes
    sha1: bytes
    md5: bytes
    type: str
    width: int
    height: int
    pdq: bytes | None = None
    quality: int | None = None
    others: tuple[Reading, ...] = ()
    unknown: str | None = None


class MediaHasher:
    """Hashes media in decoder processes of their own; safe to use from many threads.

    The processes start when first needed and end when idle. A picture that breaks or delays its
    decoder is a hash with `unknown` set; the next one gets a fresh process.
    """

    def __init__(
        self,
        *,
        children: int = 1,
        wall_s: float = 5.0,
        idle_s: float = 60.0,
        longest: int = 64 * 1024 * 1024,
    ) -> None:
        """`children` pictures at a time, each `wall_s` seconds of time and of processor at most.

        Files of more than `longest` bytes get exact hashes only.
        """
        self._wall_s = wall_s
        self._longest = longest
        self._all = [Child(idle_s) for _ in range(children)]
        self._free: queue.LifoQueue[Child] = queue.LifoQueue()
        for child in self._all:
            self._free.put(child)

    def hash(self, data: bytes) -> MediaHash:
        """Return what is known of these bytes. Never raises for what the bytes are."""
        kind = sniff(data)
        seen = self._look(data, kind)
        return MediaHash(
            hashlib.sha256(data).digest(),
            hashlib.sha1(data, usedforsecurity=False).digest(),
            hashlib.md5(data, usedforsecurity=False).digest(),
            kind,
            seen.width,
            seen.height,
            seen.pdq,
            seen.quality,
            seen.others,
            seen.unknown,
        )

    def preview(self, data: bytes, max_px: int = 640) -> bytes:
        """Return a small JPEG without metadata, for a reviewer: longest side `max_px` pixels.

        Raises `Problem` with the reason when there is nothing to show.
        """
        seen = self._look(data, sniff(data), max_px)
        if seen.preview is None:
            raise Problem(
                "media.unseen",
                "This cannot be shown as a picture.",
                f"{seen.unknown or NOT_DECODED}.".capitalize(),
                status=422,
                next_step="Judge by what else is known, or download the original.",
            )
        return seen.preview

    def pids(self) -> list[int]:
        """Return the ids of the decoder processes that run now, for counting their memory."""
        return [child.pid for child in self._all if child.pid is not None]

    def close(self) -> None:
        """End the decoder processes; waits for pictures that are being looked at."""
        for _ in self._all:
            self._free.get().stop()
        for child in self._all:
            self._free.put(child)

    def _look(self, data: bytes, kind: str, max_px: int = 0) -> Answer:
        if not data:
            return Answer(unknown=EMPTY)
        if kind not in DECODED:
            return Answer(unknown=NOT_DECODED)
        if len(data) > self._longest:
            return Answer(unknown=f"files over {self._longest >> 20} MiB are not decoded")
        with self._lent() as child:
            return child.ask(Job(data, max_px, int(self._wall_s) + 1), self._wall_s)

    @contextmanager
    def _lent(self) -> Iterator[Child]:
        child = self._free.get()
        try:
            yield child
        finally:
            self._free.put(child)
