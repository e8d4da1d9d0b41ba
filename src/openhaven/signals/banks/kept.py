"""Large banks in files: built once by whichever process comes first, and mapped by all.

`<kind>.bank` holds the entries column by column, `<kind>.<token>.ring` the index of picture hashes
that belongs to it. Both are written beside what is there; the name of the first one is given last,
so there is one good pair at every moment. A file says up to where the log of changes is in it: who
opens it takes up the changes since from the database. One that was altered, truncated, or made
from another database, by another version or on another kind of machine is refused, and made anew.
"""

import hashlib
import mmap
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import msgspec
import numpy as np

from openhaven.signals.banks.index import Columns, Words
from openhaven.signals.hashes.whole import beside, locked, rename

if TYPE_CHECKING:
    from openhaven.signals.hashes import PdqIndex

MAGIC = b"OHBANKS\n"
VERSION = 1
_PAGE = 4096
_CHECKED_AT_ONCE = 8 << 20
_PIECE = 64 << 20
_DIGEST = 16


class KeptError(Exception):
    """A file of entries that cannot be used, and why."""


class Mark(msgspec.Struct, frozen=True):
    """A line of the log of changes, by which one knows whether it is still the same log."""

    seq: int
    bank: str
    writer: str


class Kept(NamedTuple):
    """The entries of one kind, the words they name, their ring if they have one, and from when.

    `since` is the transaction from which on changes must be taken up.
    """

    entries: Columns
    words: Words
    ring: "PdqIndex | None"
    since: str
    mark: Mark | None


class _Part(msgspec.Struct, frozen=True):
    kind: str
    begin: int
    size: int
    crc: int


class _Header(msgspec.Struct, frozen=True):
    version: int
    order: str
    kind: str
    rows: int
    since: str
    mark: Mark | None
    ring: str
    banks: tuple[int, ...]
    parts: tuple[_Part, ...]
    length: int


class Shelf:
    """A folder with the files of all kinds. It is made when the first one is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stamp(self, kind: str) -> tuple[int, int] | None:
        """Return what changes whenever the file of a kind does, or None when there is none."""
        try:
            found = self._file(kind).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def open(self, kind: str) -> Kept:
        """Map the file of a kind: milliseconds at any size.

        Raises `KeptError` for one that cannot be used, and `OSError` when there is none.
        """
        for _ in range(3):  # a newer pair may take the place of this one between the two
            try:
                return self._opened(kind)
            except FileNotFoundError:
                self._file(kind).stat()
        raise KeptError(f"{self._file(kind)} names a ring that is not there")

    def write(self, kind: str, kept: Kept) -> None:
        """Write entries, ring first, and drop what they replace; for who holds the lock.

        Raises `OSError` when there is no room; what was there then stays.
        """
        token = uuid4().hex if kept.ring is not None else ""
        if kept.ring is not None:
            kept.ring.save(self._ring(kind, token))
        try:
            with beside(self._file(kind)) as part:
                _write(part, kind, kept, token)
                rename(part, self._file(kind))
        except BaseException:
            if token:
                self._ring(kind, token).unlink(missing_ok=True)
            raise
        for old in self.folder.glob(f"{kind}.*.ring"):
            if old != self._ring(kind, token):
                old.unlink(missing_ok=True)

    @contextmanager
    def building(self, kind: str) -> Iterator[bool]:
        """Be the only one who builds this kind, or say that another process does already.

        What a builder that was killed left behind is cleared away. Raises `OSError`.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # One that was there already may be open to others, whom these hashes do not concern.
        self.folder.chmod(0o700)
        with locked(self.folder / f"{kind}.building", wait=False) as mine:
            if mine:
                for left in self.folder.glob(f".{kind}.*.part"):
                    left.unlink(missing_ok=True)
            yield mine

    def _opened(self, kind: str) -> Kept:
        header, arrays = _open(self._file(kind), kind)
        *columns, ends, text = arrays
        ring = None
        if header.ring:
            ring = _ring_at(self._ring(kind, header.ring), header.rows)
        words = Words.kept(ends, text, header.banks)
        return Kept(Columns(*columns), words, ring, header.since, header.mark)

    def _file(self, kind: str) -> Path:
        return self.folder / f"{kind}.bank"

    def _ring(self, kind: str, token: str) -> Path:
        return self.folder / f"{kind}.{token}.ring"


def _ring_at(path: Path, rows: int) -> "PdqIndex":
    from openhaven.signals.hashes import IndexFileError, PdqIndex

    try:
        ring = PdqIndex.open(path)
    except IndexFileError as error:
        raise KeptError(str(error)) from error
    if len(ring) != rows:
        raise KeptError(f"{path} belongs to other entries")
    return ring


def _write(file: Any, kind: str, kept: Kept, token: str) -> None:
    file.seek(_PAGE)
    parts = []
    for array in (*kept.entries, *kept.words.to_keep()):
        flat: Any = np.ascontiguousarray(array)
        data = flat.view(np.uint8).reshape(-1).data if flat.size else memoryview(b"")
        begin = file.tell()
        crc = 0
        for place in range(0, len(data), _PIECE):
            piece = data[place : place + _PIECE]
            file.write(piece)
            crc = zlib.crc32(piece, crc)
        parts.append(_Part(flat.dtype.str, begin, len(data), crc))
        file.seek(-file.tell() % _PAGE, os.SEEK_CUR)
    length = file.tell()
    file.truncate(length)
    header = msgspec.json.encode(_Header(
        VERSION, sys.byteorder, kind, len(kept.entries.ids), kept.since, kept.mark, token,
        tuple(np.unique(kept.entries.banks).tolist()), tuple(parts), length,
    ))  # fmt: skip
    file.seek(0)
    file.write(MAGIC + len(header).to_bytes(4, "little") + _digest(header) + header)
    file.flush()
    os.fsync(file.fileno())


def _open(path: Path, kind: str) -> tuple[_Header, list[Any]]:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < _PAGE:
            raise KeptError(f"{path} is too short")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    header = _header(path, mapped)
    if header.kind != kind or header.length != size:
        raise KeptError(f"{path} is not what its header says")
    arrays = []
    for part in header.parts:
        if part.begin + part.size > size:
            raise KeptError(f"{path} is not what its header says")
        dtype = np.dtype(part.kind)
        array = np.frombuffer(mapped, dtype, part.size // dtype.itemsize, part.begin)
        if part.size <= _CHECKED_AT_ONCE and _crc(array) != part.crc:
            raise KeptError(f"{path} was altered")
        arrays.append(array)
    return header, arrays


def _header(path: Path, mapped: mmap.mmap) -> _Header:
    begin = len(MAGIC) + 4 + _DIGEST
    if mapped[: len(MAGIC)] != MAGIC:
        raise KeptError(f"{path} holds no entries")
    length = int.from_bytes(mapped[len(MAGIC) : len(MAGIC) + 4], "little")
    raw = mapped[begin : begin + min(length, _PAGE - begin)]
    if mapped[begin - _DIGEST : begin] != _digest(raw):
        raise KeptError(f"the header of {path} was altered")
    plain = msgspec.json.decode(raw)
    if plain.get("version") != VERSION:
        raise KeptError(f"{path} is of version {plain.get('version')}, not {VERSION}")
    if plain.get("order") != sys.byteorder:
        raise KeptError(f"{path} was written on a machine with another order of bytes")
    return msgspec.convert(plain, _Header)


def _crc(array: Any) -> int:
    return zlib.crc32(array.view(np.uint8).reshape(-1).data) if array.size else 0


def _digest(header: bytes) -> bytes:
    return hashlib.blake2b(header, digest_size=_DIGEST).digest()
