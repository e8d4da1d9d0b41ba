"""Where sealed bytes lie: a folder that is written once and never over.

A store knows nothing of keys or plain bytes. What it keeps is named by its own SHA-256, appears
whole or not at all, and is not removed before the day until which it was told to keep it.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from openhaven.core import Problem
from openhaven.storage.blobs import sync_folder

PIECE = 1 << 20
# A draft that is older than this was left by a process that died.
STALE_S = 24 * 3600
_NAME = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Store(Protocol):
    """What every store can do; the names are those that `put` answered with."""

    def put(self, parts: Iterable[bytes]) -> tuple[str, int]:
        """Store a stream durably; return its name (SHA-256 as hexadecimal) and its size."""

    def parts(self, name: str) -> Iterator[bytes]:
        """Yield what is stored under `name`; raises `Problem` (500) when it is not there."""

    def keep(self, name: str, until: datetime) -> None:
        """Refuse to remove `name` before `until`; an earlier day than before changes nothing."""

    def remove(self, name: str, now: datetime) -> bool:
        """Remove `name`, unless it is to be kept; say whether it is gone."""

    def sweep(self) -> int:
        """Remove drafts that were left by processes that died; return how many."""

    def names(self) -> Iterator[tuple[str, datetime]]:
        """Yield the name of everything that is stored, and when it was."""


class Folder:
    """A store on disk: files that nobody may write, named by what is in them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, parts: Iterable[bytes]) -> tuple[str, int]:
        """Store a stream durably; see `Store.put`."""
        with self.drafted(parts) as (draft, name, size):
            path = self._path(name)
            if not path.parent.is_dir():
                path.parent.mkdir(exist_ok=True, mode=0o700)
                sync_folder(self._folder)
            try:
                # A hard link never replaces a file that is there.
                os.link(draft, path)
            except FileExistsError:
                return name, size
            sync_folder(path.parent)
            return name, size

    @contextmanager
    def drafted(self, parts: Iterable[bytes]) -> Iterator[tuple[Path, str, int]]:
        """Write a stream to a draft, which is gone at the end; give its path, name and size."""
        draft = self._folder / f".{os.getpid()}.{os.urandom(8).hex()}.part"
        try:
            yield (draft, *self._write(draft, parts))
        finally:
            draft.unlink(missing_ok=True)

    def _write(self, draft: Path, parts: Iterable[bytes]) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            for part in parts:
                digest.update(part)
                size += len(part)
                file.write(part)
            file.flush()
            os.fchmod(file.fileno(), 0o400)
            os.fsync(file.fileno())
        return digest.hexdigest(), size

    def parts(self, name: str) -> Iterator[bytes]:
        """Yield what is stored under `name`; see `Store.parts`."""
        try:
            file = open(self._path(name), "rb")  # noqa: SIM115 (closed below)
        except FileNotFoundError as error:
            raise lost() from error
        with file:
            while part := file.read(PIECE):
                yield part

    def keep(self, name: str, until: datetime) -> None:
        """Refuse to remove `name` before `until`; see `Store.keep`."""
        path = self._path(name)
        if not path.exists():
            raise lost()
        if until <= self._kept_until(name):
            return
        mark = path.with_suffix(".until")
        draft = mark.with_name(f"{mark.name}.{os.urandom(4).hex()}.part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(until.astimezone(UTC).isoformat())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(mark)
        sync_folder(path.parent)

    def _kept_until(self, name: str) -> datetime:
        try:
            text = self._path(name).with_suffix(".until").read_text("ascii")
        except FileNotFoundError:
            return datetime.min.replace(tzinfo=UTC)
        return datetime.fromisoformat(text)

    def remove(self, name: str, now: datetime) -> bool:
        """Remove `name`, unless it is to be kept; see `Store.remove`."""
        if self._kept_until(name) > now:
            return False
        path = self._path(name)
        path.unlink(missing_ok=True)
        path.with_suffix(".until").unlink(missing_ok=True)
        if path.parent.is_dir():
            sync_folder(path.parent)
        return True

    def sweep(self) -> int:
        """Remove drafts of processes that died; see `Store.sweep`."""
        before, gone = time.time() - STALE_S, 0
        for draft in (*self._folder.glob("*.part"), *self._folder.glob("*/*.part")):
            if draft.stat().st_mtime < before:
                draft.unlink(missing_ok=True)
                gone += 1
        return gone

    def names(self) -> Iterator[tuple[str, datetime]]:
        """Yield the name of everything that is stored; see `Store.names`."""
        for path in self._folder.glob("??/*"):
            if _NAME.fullmatch(path.name):
                yield path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def holds(self, name: str) -> bool:
        """Say whether something of this name is here."""
        return self._path(name).exists()

    def _path(self, name: str) -> Path:
        return self._folder / check_name(name)[:2] / name


def check_name(name: str) -> str:
    """Return the name of something stored; raises `ValueError` when it is none."""
    if not _NAME.fullmatch(name):
        raise ValueError("a sealed file is named by its SHA-256")
    return name


def lost() -> Problem:
    """Return the problem of sealed bytes that should be there and are not."""
    return Problem(
        "evidence.lost", "The sealed file is not in its store.", status=500,
        next_step="Restore the evidence folder (or bucket) from a backup, and tell who is in "
        "charge of evidence.",
    )  # fmt: skip
