"""Sealed bytes in an S3-compatible bucket, locked there while a hold stands where it can lock.

Bytes are drafted on the disk first, sealed already: their name is known at their end, and what was
cut off on its way is sent again as it was. A bucket without locks gets a note beside each object
that says until when it is kept; then it is this program alone that does not remove it.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from openhaven.evidence.stores import STALE_S, Folder, check_name, lost
from openhaven.storage import Bucket

_BELOW = "evidence/"
_NOTE = ".until"


class Remote:
    """A store in a bucket; what was on the disk before there was one is read and removed there."""

    def __init__(self, folder: Path, bucket: Bucket) -> None:
        self._bucket, self._disk = bucket, Folder(folder)

    def put(self, parts: Iterable[bytes]) -> tuple[str, int]:
        """Store a stream durably; see `Store.put`."""
        with self._disk.drafted(parts) as (draft, name, size):
            self._bucket.put(_path(name), draft)
            return name, size

    def parts(self, name: str) -> Iterator[bytes]:
        """Yield what is stored under `name`; see `Store.parts`."""
        if self._disk.holds(name):
            yield from self._disk.parts(name)
            return
        try:
            yield from self._bucket.parts(_path(name))
        except FileNotFoundError as error:
            raise lost() from error

    def keep(self, name: str, until: datetime) -> None:
        """Refuse to remove `name` before `until`; see `Store.keep`."""
        if self._disk.holds(name):
            self._disk.keep(name, until)
        elif self._bucket.locks():
            try:
                self._bucket.lock(_path(name), until)
            except FileNotFoundError as error:
                raise lost() from error
        elif self._bucket.size(_path(name)) is None:
            raise lost()
        elif until > self._kept_until(name):
            self._bucket.write(_path(name) + _NOTE, until.astimezone(UTC).isoformat().encode())

    def _kept_until(self, name: str) -> datetime:
        never = datetime.min.replace(tzinfo=UTC)
        locked = self._bucket.locked_until(_path(name)) if self._bucket.locks() else None
        try:
            noted = b"".join(self._bucket.parts(_path(name) + _NOTE)).decode("ascii")
        except FileNotFoundError:
            return locked or never
        return max(locked or never, datetime.fromisoformat(noted))

    def remove(self, name: str, now: datetime) -> bool:
        """Remove `name`, unless it is to be kept; see `Store.remove`."""
        if self._kept_until(name) > now or not self._disk.remove(name, now):
            return False
        self._bucket.remove(_path(name))
        self._bucket.remove(_path(name) + _NOTE)
        return True

    def sweep(self) -> int:
        """Remove drafts and unfinished uploads of processes that died; see `Store.sweep`."""
        before = datetime.fromtimestamp(time.time() - STALE_S, UTC)
        return self._disk.sweep() + self._bucket.sweep(before)

    def names(self) -> Iterator[tuple[str, datetime]]:
        """Yield the name of everything that is stored; see `Store.names`."""
        yield from self._disk.names()
        for path, at in self._bucket.names(_BELOW):
            if not path.endswith(_NOTE):
                yield path.rpartition("/")[2], at


def _path(name: str) -> str:
    return f"{_BELOW}{check_name(name)[:2]}/{name}"
