"""Looks at a film: key frames, which encoders put where scenes change, and more where asked.

Runs in the decoder's own process. A key frame can be decoded without the others, so most of a film
is only read, not decoded. Stretches without one for long are decoded through, as is what shall be
looked at closely. Work is bounded: by frames, pixels, and processor time.
"""

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import av
import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from openhaven.signals.hashes.decode import UndecodableError
from openhaven.signals.hashes.model import MIN_QUALITY, PIXELS
from openhaven.signals.hashes.perceptual import MIN_SIDE, Grid, pdq_of
from openhaven.signals.video.model import MOST_DENSE, MOST_SPARSE, Film, Frame, thinned

FORMATS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/webm": "matroska",
    "video/ogg": "ogg",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/x-msvideo": "avi",
}
LONGEST_MS = 12 * 3_600_000
NO_PICTURES = "the film has no pictures"
DAMAGED = "the film is damaged"
TOO_LARGE = f"the film has more than {PIXELS // 1_000_000} million pixels"
TOO_SMALL = "the film is too small for a perceptual hash"
TOO_LONG = "it is longer than what was looked at"
_GAP = 10_000  # ms without a key frame that are decoded through
_SPARSE_STEP, _DENSE_STEP = 400, 1_000  # ms between frames at least
_GAP_STEP = 2_000
_MOST_KEYS = 400
_TURNS = {90: 8, 180: 3, 270: 6}  # degrees to the left, as EXIF has them

Spans = Sequence[tuple[int, int]]


class _Group(NamedTuple):
    """A key frame's moment and the next one's, in ms."""

    begin: int
    end: int


def look(data: bytes, kind: str, dense: Spans | None = (), budget_s: float = 10.0) -> Film:
    """Return the hashes of a film's frames: of key frames, and one a second within `dense` (ms).

    `dense=None` is the whole film, at one frame a second; else at most 128 frames are returned.
    After `budget_s` seconds of processor it ends with what it has, and says so. Raises
    `UndecodableError` when nothing can be seen.
    """
    until = time.process_time() + budget_s
    most = MOST_DENSE if dense is None or dense else MOST_SPARSE
    unknown = None
    frames: list[Frame] = []
    size = (0, 0)
    try:
        for shown, seen in _seen(data, kind, dense, until):
            size = shown
            if seen is None:
                unknown = TOO_LONG
            elif seen.pdq:
                frames.append(seen)
    except UndecodableError as error:
        if not size[0]:
            raise
        unknown = str(error)
    if not size[0]:
        raise UndecodableError(NO_PICTURES)
    return Film(*size, tuple(thinned(frames, most)), unknown)


def poster(data: bytes, kind: str) -> Image.Image:
    """Return the first key frame with some detail as a Pillow image. Raises `UndecodableError`."""
    first = None
    with opened(data, kind) as (container, stream):
        stream.codec_context.skip_frame = "NONKEY"
        for count, frame in enumerate(container.decode(stream)):
            check(frame)
            image = Image.fromarray(frame.reformat(format="rgb24", threads=1).to_ndarray())
            first = image if first is None else first
            if count >= 5 or _hashed(frame)[1] >= MIN_QUALITY:
                return image
    if first is None:
        raise UndecodableError(NO_PICTURES)
    return first


Seen = tuple[tuple[int, int], Frame | None]


def _seen(data: bytes, kind: str, dense: Spans | None, until: float) -> Iterator[Seen]:
    """Yield the size and each frame that was looked at; None in its place when time is up."""
    with opened(data, kind) as (container, stream):
        moments = [_ms(p) for p in container.demux(stream) if p.is_keyframe and p.pts is not None]
        container.seek(0)
        groups = _groups(sorted(moments), length_ms(container, stream))
        for frame, at in _decoded(container, stream, groups, dense):
            value, quality = _hashed(frame)
            # One without detail has no hash to compare, but it was there.
            yield _size(frame), Frame(value if quality >= MIN_QUALITY else b"", at)
            if time.process_time() > until:
                yield _size(frame), None
                return


def _decoded(
    container: Any, stream: Any, groups: dict[int, _Group], dense: Spans | None
) -> Iterator[tuple[VideoFrame, int]]:
    """Yield frames with their moments: key frames some time apart, and others where asked."""
    codec = stream.codec_context
    step = max(_SPARSE_STEP, max((g.end for g in groups.values()), default=0) // _MOST_KEYS)
    through, last_key, kept = False, -step, -_GAP
    every = _DENSE_STEP if dense is None or dense else _GAP_STEP
    for packet in container.demux(stream):
        if packet.is_keyframe and packet.pts is not None:
            at = _ms(packet)
            through = _through(groups.get(at), dense)
            if not through and at - last_key < step:
                continue
            last_key = at
            codec.skip_frame = "NONREF" if through else "NONKEY"
        elif packet.size and not through:
            continue
        for frame in packet.decode():
            moment = _ms(frame) if frame.pts is not None else 0
            if not 0 <= moment <= LONGEST_MS:
                continue
            if frame.key_frame or moment - kept >= every or moment < kept:
                check(frame)
                kept = moment
                yield frame, moment


def _through(group: _Group | None, dense: Spans | None) -> bool:
    """Say whether what follows a key frame up to the next one is decoded through."""
    if dense is None or group is None:
        return True
    if group.end - group.begin > _GAP:
        return True
    return any(begin < group.end and group.begin < end for begin, end in dense)


def _groups(moments: Sequence[int], length: int) -> dict[int, _Group]:
    ends = [*moments[1:], max(length, moments[-1] if moments else 0)]
    return {at: _Group(at, end) for at, end in zip(moments, ends, strict=True)}


def length_ms(container: Any, stream: Any) -> int:
    """Return how long a film says it is, in milliseconds; 0 when it does not say."""
    if stream.duration:
        return int(stream.duration * stream.time_base * 1_000)
    return int(container.duration or 0) // 1_000


def _ms(timed: Any) -> int:
    return int(timed.pts * timed.time_base * 1_000)


def _size(frame: VideoFrame) -> tuple[int, int]:
    turned = _turn(frame) > 4
    return (frame.height, frame.width) if turned else (frame.width, frame.height)


def check(frame: VideoFrame) -> None:
    """Refuse a frame that is too large or too small; raises `UndecodableError`."""
    if frame.width * frame.height > PIXELS:
        raise UndecodableError(TOO_LARGE)
    if min(frame.width, frame.height) < MIN_SIDE:
        raise UndecodableError(TOO_SMALL)


def _turn(frame: VideoFrame) -> int:
    return _TURNS.get(round(frame.rotation) % 360, 1)


def _hashed(frame: VideoFrame) -> tuple[bytes, int]:
    """Return hash and quality of a frame, of its brightness alone: films store that by itself."""
    # One thread: behind the walls there can be no other.
    grey = np.asarray(frame.reformat(format="gray", threads=1).to_ndarray(), np.uint8)
    return pdq_of(Grid(grey, _turn(frame)))


@contextmanager
def opened(data: bytes, kind: str) -> Iterator[tuple[Any, Any]]:
    """Open a film by what its bytes say it is: its container and its first stream of pictures.

    Whatever a decoder throws, here and inside the block, leaves as `UndecodableError`.
    """
    try:
        with av.open(io.BytesIO(data), format=FORMATS[kind]) as container:
            stream = next(iter(container.streams.video), None)
            if stream is None:
                raise UndecodableError(NO_PICTURES)
            if stream.codec_context.width * stream.codec_context.height > PIXELS:
                raise UndecodableError(TOO_LARGE)
            stream.codec_context.thread_count = 1
            yield container, stream
    except UndecodableError:
        raise
    except MemoryError:
        raise UndecodableError("decoding needs more memory than is allowed") from None
    except Exception as error:
        # Decoders throw many kinds of error at broken files; each of them is this finding.
        raise UndecodableError(DAMAGED) from error
