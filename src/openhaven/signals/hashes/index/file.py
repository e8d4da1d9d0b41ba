"""One file that holds a segment: a header with checksums, then its arrays as they lie in memory.

It is mapped, not read: opening costs milliseconds, and all processes share the pages. The header,
the length and all small parts are checked at once; the large ones by `verify`, which reads them.
A file is written beside the old one, forced to the disk, and then takes its name.
"""

import hashlib
import mmap
import os
import struct
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from openhaven.signals.hashes.index.layout import FEWEST_CHUNKS, MOST_CHUNKS, layout
from openhaven.signals.hashes.index.segment import Segment, frozen
from openhaven.signals.hashes.whole import beside, rename

MAGIC = b"OHPDQIX\n"
VERSION = 1
PAGE = 4096
CHECKED_AT_ONCE = 8 << 20
_PIECE = 64 << 20
_ORDER = 0x01020304
# magic, version, byte order, chunks, generation, length of the file
_HEAD = struct.Struct("=8sIIIQQ")
# type, offset, length in bytes, CRC-32
_PART = struct.Struct("=4sQQI")
_KINDS = {"hashes": "u8", "offsets": "u4", "posts": "u1", "sketches": "u2", "ids": "i8 u4",
          "more_rows": "i8", "more_ids": "i8"}  # fmt: skip
_DIGEST = 16


class IndexFileError(Exception):
    """A file that is no index, or not one of this version and machine, or is damaged."""


class Opened(NamedTuple):
    """A segment in a mapped file, how often the file was merged, and what `verify` compares."""

    segment: Segment
    generation: int
    sums: dict[str, int]


def save(segment: Segment, path: Path, generation: int = 0) -> None:
    """Write the segment to `path`, replacing what stands there only when all is on the disk.

    Raises `OSError` when it cannot be written; the old file then stands as it was.
    """
    with beside(path) as part:
        write(segment, part, generation)
        rename(part, path)


def write(segment: Segment, file: Any, generation: int) -> None:
    """Write the segment to an empty file that is open for binary writing, down to the disk."""
    file.seek(PAGE)
    parts = b""
    arrays: tuple[Any, ...] = segment[1:]
    for array in arrays:
        flat: Any = np.ascontiguousarray(array)
        data = memoryview(flat).cast("B") if array.size else memoryview(b"")
        kind = array.dtype.str[1:].encode()
        parts += _PART.pack(kind, file.tell(), len(data), _written(file, data))
        file.seek(-file.tell() % PAGE, os.SEEK_CUR)
    length = file.tell()
    file.truncate(length)
    head = _HEAD.pack(MAGIC, VERSION, _ORDER, segment.chunks, generation, length) + parts
    file.seek(0)
    file.write(head + _digest(head))
    file.flush()
    os.fsync(file.fileno())


def open_file(path: Path) -> Opened:
    """Map the index at `path`. Raises `IndexFileError` for a file that cannot be used."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < PAGE:
            raise IndexFileError(f"{path} is too short to be an index")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with suppress(AttributeError, OSError):  # where there are huge pages, random reads want them
        mapped.madvise(mmap.MADV_HUGEPAGE)
    head_size = _HEAD.size + len(_KINDS) * _PART.size
    head = mapped[:head_size]
    magic, version, order, chunks, generation, length = _HEAD.unpack_from(head)
    if magic != MAGIC:
        raise IndexFileError(f"{path} is no index of hashes")
    if order != _ORDER:
        raise IndexFileError(
            f"{path} was written on a machine with another order of bytes than {sys.byteorder}"
        )
    if version != VERSION:
        raise IndexFileError(f"{path} is of version {version}; this program reads {VERSION}")
    if mapped[head_size : head_size + _DIGEST] != _digest(head):
        raise IndexFileError(f"the header of {path} was altered")
    if length != size:
        raise IndexFileError(f"{path} has {size} bytes and should have {length}")
    segment, sums = _parts(path, mapped, head, chunks)
    return Opened(segment, generation, sums)


def verify(path: Path, opened: Opened, over: int = 0) -> None:
    """Read every part of more than `over` bytes; raise `IndexFileError` if one was altered."""
    for name, array in zip(_KINDS, opened.segment[1:], strict=True):
        if array.nbytes > over and _crc(array) != opened.sums[name]:
            raise IndexFileError(f"the {name} of {path} were altered")


def _parts(
    path: Path, mapped: mmap.mmap, head: bytes, chunks: int
) -> tuple[Segment, dict[str, int]]:
    arrays, sums = [], {}
    for number, (name, kinds) in enumerate(_KINDS.items()):
        place = _HEAD.size + number * _PART.size
        kind, begin, length, sums[name] = _PART.unpack_from(head, place)
        kind = kind.rstrip(b"\0").decode("ascii", "replace")
        if kind not in kinds.split() or begin % PAGE or begin + length > len(mapped):
            raise IndexFileError(f"the header of {path} makes no sense")
        array = np.frombuffer(mapped, kind, length // np.dtype(kind).itemsize, begin)
        if array.nbytes <= CHECKED_AT_ONCE and _crc(array) != sums[name]:
            raise IndexFileError(f"the {name} of {path} were altered")
        arrays.append(array)
    if not FEWEST_CHUNKS <= chunks <= MOST_CHUNKS or len(arrays[0]) % 4:
        raise IndexFileError(f"the header of {path} makes no sense")
    arrays[0] = arrays[0].reshape(-1, 4)
    segment = frozen(Segment(chunks, *arrays))
    places = segment.stride * chunks
    fitting = (
        len(segment.offsets) == layout(chunks).buckets
        and len(segment.posts) == places * segment.post_size + 4
        and len(segment.sketches) == places
        and len(segment.ids) in {0, segment.rows}
        and len(segment.more_rows) == len(segment.more_ids)
    )
    if not fitting:
        raise IndexFileError(f"the parts of {path} do not fit together")
    return segment, sums


def _written(file: Any, data: memoryview) -> int:
    total = 0
    for begin in range(0, len(data), _PIECE):
        piece = data[begin : begin + _PIECE]
        file.write(piece)
        total = zlib.crc32(piece, total)
    return total


def _crc(array: Any) -> int:
    if not array.size:
        return 0
    data, total = memoryview(array).cast("B"), 0
    for begin in range(0, len(data), _PIECE):
        total = zlib.crc32(data[begin : begin + _PIECE], total)
    return total


def _digest(head: bytes) -> bytes:
    return hashlib.blake2b(head, digest_size=_DIGEST).digest()
