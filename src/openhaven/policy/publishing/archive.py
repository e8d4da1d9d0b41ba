"""Takes the files of a pack out of an archive that somebody uploaded, and nothing else."""

import gzip
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from openhaven.core import Problem
from openhaven.policy.publishing.model import (
    LONGEST_FILE,
    MOST_BYTES,
    MOST_FILES,
    check_file_name,
    check_files,
)

LARGEST = 8_000_000
"""How large an archive may be, in bytes."""
_PLAIN_ZIP = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError,
           ValueError, RuntimeError)  # fmt: skip
"""What the libraries raise for archives that are damaged, locked, or none."""
_ENTRIES = 4 * MOST_FILES


def unpacked(data: bytes) -> dict[str, str]:
    """Return the files of a pack in a zip, tar or tar.gz archive, by name.

    They may stand in one folder of any name. As in a folder, README.md and names that begin with
    a dot or two underscores are passed over. Raises `Problem`: 413 when it holds too much, however
    little it looks packed; 400 for what is no archive, for links, for names that lead elsewhere,
    for names given twice, and for what is no text.
    """
    if len(data) > LARGEST:
        raise _too_large()
    try:
        read = _zip(data) if data[:2] == b"PK" else _tar(data)
        files = _within(dict(_once(read)))
    except _BROKEN as error:
        raise _no_archive() from error
    if not files:
        raise _no_archive()
    return check_files({check_file_name(name): _text(name, raw) for name, raw in files.items()})


def _zip(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) > _ENTRIES or sum(one.file_size for one in entries) > MOST_BYTES:
            raise _too_large()
        for one in entries:
            if one.is_dir():
                continue
            mode = one.external_attr >> 16
            if (mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG)) or one.flag_bits & 1:
                raise _unfit(one.filename, "is no plain file")
            if one.compress_type not in _PLAIN_ZIP:
                raise _unfit(one.filename, "is packed in an unusual way")
            with archive.open(one) as content:
                yield one.filename, _limited(content)


def _tar(data: bytes) -> Iterator[tuple[str, bytes]]:
    raw: IO[bytes] = io.BytesIO(data)
    packed = gzip.GzipFile(fileobj=raw) if data[:2] == b"\x1f\x8b" else raw
    with tarfile.open(fileobj=_Bounded(packed), mode="r|") as archive:
        for number, one in enumerate(archive):
            if number > _ENTRIES:
                raise _too_large()
            if one.isdir():
                continue
            content = archive.extractfile(one) if one.isreg() else None
            if content is None:
                raise _unfit(one.name, "is no plain file")
            yield one.name, _limited(content)


class _Bounded(io.RawIOBase):
    """Reads on until so much has come out that it can be no pack."""

    def __init__(self, source: "IO[bytes] | gzip.GzipFile") -> None:
        self._source = source
        self._left = 2 * MOST_BYTES

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found = self._source.read(min(size, 65_536) if size >= 0 else 65_536)
        self._left -= len(found)
        if self._left < 0:
            raise _too_large()
        return found


def _limited(content: IO[bytes]) -> bytes:
    found = content.read(LONGEST_FILE + 1)
    if len(found) > LONGEST_FILE:
        raise _too_large()
    return found


def _once(read: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Pass on what may belong to a pack, each name once."""
    seen: set[str] = set()
    total = 0
    for given, raw in read:
        name = given.removeprefix("./")
        parts = name.split("/")
        if "\\" in name or "" in parts or ".." in parts:
            raise _unfit(given, "leads out of the archive")
        if any(part.startswith((".", "__")) for part in parts) or parts[-1] == "README.md":
            continue
        if name in seen:
            raise _unfit(given, "is there twice")
        seen.add(name)
        total += len(raw)
        if len(seen) > MOST_FILES or total > MOST_BYTES:
            raise _too_large()
        yield name, raw


def _within(files: dict[str, bytes]) -> dict[str, bytes]:
    """Take the one folder away in which everything stands, if there is one."""
    tops = {name.partition("/")[0] for name in files}
    if "pack.toml" in files or len(tops) != 1:
        return files
    return {name.partition("/")[2]: raw for name, raw in files.items() if "/" in name}


def _text(name: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise _unfit(name, f"is no UTF-8 text (byte {error.start})") from error


def _too_large() -> Problem:
    return Problem("archive.too_large", "This archive holds too much for one pack.",
                   f"At most {MOST_FILES} files of {LONGEST_FILE:,} bytes, {MOST_BYTES:,} bytes "
                   f"together, {LARGEST:,} bytes packed.", status=413)  # fmt: skip


def _unfit(name: str, why: str) -> Problem:
    return Problem("archive.unfit", "This archive cannot be a pack.", f"{name[:120]!r} {why}.",
                   next_step="Pack the folder of the pack itself, with plain files only.",
                   )  # fmt: skip


def _no_archive() -> Problem:
    return Problem("archive.unreadable", "This is no archive that can be read.",
                   next_step="Send a .zip, .tar or .tar.gz of the pack's folder.")  # fmt: skip
