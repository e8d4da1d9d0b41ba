"""What is known of a piece of media: its exact hashes, what it is, and how it looks."""

import hashlib
import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

import msgspec

from openhaven.core import Problem
from openhaven.signals.hashes.child import Child
from openhaven.signals.hashes.model import Reading
from openhaven.signals.hashes.sniff import sniff
from openhaven.signals.hashes.wire import Answer, Job

NO_FILMS = "films are decoded only where the extra “video” is installed"
NOT_DECODED = "this kind of media is not decoded yet"
EMPTY = "the file is empty"
DECODED = frozenset(
    f"image/{kind}" for kind in ("avif", "bmp", "gif", "jpeg", "png", "tiff", "webp")
)
FILMS = frozenset(
    f"video/{kind}" for kind in ("mp4", "mpeg", "ogg", "quicktime", "webm", "x-flv", "x-msvideo")
)
FILM_MODULE = "openhaven.signals.video.decoder"


class MediaHash(msgspec.Struct, frozen=True):
    """Exact hashes (32, 20 and 16 bytes), the sniffed type, and what was seen of a picture.

    `pdq` (32 bytes) and `quality` (0 to 100) are None where there is no picture to see, and then
    `unknown` says why in plain words. `others` are further readings to look up, 15 at most. A
    picture that is cut off has both: the hash of what there is, and the reason. `film` has the
    frames of one (`signals.video.packed`), `plugin_hashes` what plugins made of a picture.
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
    film: bytes = b""
    plugin_hashes: tuple[bytes, ...] = ()


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
        film_s: float = 15.0,
    ) -> None:
        """`children` pictures at a time, each `wall_s` seconds of time and of processor at most.

        Films have `film_s` seconds. Files of more than `longest` bytes get exact hashes only.
        """
        self._wall_s = wall_s
        self._film_s = film_s
        self._longest = longest
        self._pictures = _Pool([Child(idle_s) for _ in range(children)])
        self._films = _Pool([Child(idle_s, FILM_MODULE)] if find_spec("av") else [])

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
            seen.film,
            seen.plugin_hashes,
        )

    def film(
        self, data: bytes, closely: Sequence[tuple[int, int]] | None = None
    ) -> tuple[bytes, str | None]:
        """Return a film's frames (`signals.video.packed`), one a second, and what was not seen.

        `closely` are the stretches (from, to in ms) for that; outside only key frames are seen.
        Without it the whole film is looked at so, in twenty times the time of an upload.
        """
        whole = closely is None
        budget = self._film_s * (20 if whole else 1)
        seen = self._look(data, sniff(data), 0, tuple(closely or ()), whole=whole, film_s=budget)
        return seen.film, seen.unknown

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
        children = (*self._pictures.all, *self._films.all)
        return [child.pid for child in children if child.pid is not None]

    def close(self) -> None:
        """End the decoder processes; waits for pictures that are being looked at."""
        self._pictures.close()
        self._films.close()

    def _look(
        self,
        data: bytes,
        kind: str,
        max_px: int = 0,
        dense: tuple[tuple[int, int], ...] = (),
        *,
        whole: bool = False,
        film_s: float = 0.0,
    ) -> Answer:
        if not data:
            return Answer(unknown=EMPTY)
        if kind not in DECODED | FILMS:
            return Answer(unknown=NOT_DECODED)
        pool = self._films if kind in FILMS else self._pictures
        if not pool.all:
            return Answer(unknown=NO_FILMS)
        if len(data) > self._longest:
            return Answer(unknown=f"files over {self._longest >> 20} MiB are not decoded")
        seconds = (film_s or self._film_s) if kind in FILMS else self._wall_s
        with pool.lent() as child:
            return child.ask(Job(data, max_px, int(seconds) + 1, kind, dense, whole), seconds)


class _Pool:
    """Decoder processes of one sort, each lent to one thread at a time."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.all = children
        self._free: queue.LifoQueue[Child] = queue.LifoQueue()
        for child in children:
            self._free.put(child)

    def close(self) -> None:
        """End all of them; waits for those that are lent."""
        for _ in self.all:
            self._free.get().stop()
        for child in self.all:
            self._free.put(child)

    @contextmanager
    def lent(self) -> Iterator[Child]:
        """Lend one, when one is free."""
        child = self._free.get()
        try:
            yield child
        finally:
            self._free.put(child)
