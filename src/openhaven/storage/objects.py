"""Files in an S3-compatible object store, each written once.

`obstore` moves the bytes; what only S3 knows (retention, versions, uploads that nobody finished) is
asked for in `signing`. Nothing that a store answers is passed on but its kind: it may hold names of
keys. A store that does not answer is a `Problem` (503), after which nothing was lost.
"""

import ipaddress
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import structlog

from openhaven.core import Problem
from openhaven.storage.blobs import Blobs
from openhaven.storage.settings import Objects
from openhaven.storage.signing import Credentials, Signed, away, closed

if TYPE_CHECKING:
    from obstore.store import S3Store

T = TypeVar("T")
# What is larger is sent in parts of this size, so that it never lies in memory as a whole.
PART = 8 << 20
_AT_ONCE = 2
log = structlog.get_logger("objects")


class Bucket:
    """A bucket and the folder in it that is ours; names are paths below that folder."""

    def __init__(self, settings: Objects) -> None:
        keys = credentials_at(settings)
        self._prefix = settings.prefix.strip("/") + "/" if settings.prefix.strip("/") else ""
        self._store = _store(settings, keys)
        self._signed = Signed(settings.endpoint.rstrip("/"), settings.bucket, settings.region, keys)
        self._mode = settings.lock.upper()
        self._locks: bool | None = None

    def put(self, name: str, data: bytes | Path) -> bool:
        """Store bytes, or the file at a path, under a name that is free; say whether it was.

        What is there is never written over: the store itself refuses to, where the bytes go in one
        piece. Larger ones are only sent after a look.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        small = len(data) <= PART if isinstance(data, bytes) else data.stat().st_size <= PART
        if not small and self.size(name) is not None:
            return False
        try:
            if small:
                whole = data if isinstance(data, bytes) else data.read_bytes()
                self._do(lambda: obstore.put(self._store, self._prefix + name, whole,
                                             mode="create"))  # fmt: skip
            else:
                self._do(lambda: obstore.put(self._store, self._prefix + name, data,
                         chunk_size=PART, max_concurrency=_AT_ONCE))  # fmt: skip
        except AlreadyExistsError:
            return False
        except FileNotFoundError:
            raise closed("NoSuchBucket") from None
        return True

    def write(self, name: str, data: bytes) -> None:
        """Store bytes under a name, over what was there."""
        import obstore

        self._do(lambda: obstore.put(self._store, self._prefix + name, data))

    def size(self, name: str) -> int | None:
        """Return how many bytes are stored under a name, None when there is nothing."""
        import obstore

        try:
            return int(self._do(lambda: obstore.head(self._store, self._prefix + name))["size"])
        except FileNotFoundError:
            return None

    def parts(self, name: str) -> Iterator[bytes]:
        """Yield what is stored under a name; raises `FileNotFoundError` when there is nothing.

        Where the store keeps versions, what somebody deleted (which only hides it) is still read.
        """
        size, version = self.size(name), ""
        if size is None:
            found = self._signed.versions(self._prefix + name) if self.locks() else []
            if not found:
                raise FileNotFoundError(name)
            version, size = found[0].id, found[0].size
        for start in range(0, size, PART):
            yield self._range(name, start, min(start + PART, size), version)

    def _range(self, name: str, start: int, end: int, version: str) -> bytes:
        import obstore

        asked: Any = {"range": (start, end)} | ({"version": version} if version else {})
        return bytes(
            self._do(lambda: obstore.get(self._store, self._prefix + name, options=asked).bytes())
        )

    def names(self, below: str) -> Iterator[tuple[str, datetime]]:
        """Yield each name in a folder, and when it was written."""
        import obstore

        start = f"{self._prefix}{below}".rstrip("/")
        pages = iter(obstore.list(self._store, start, chunk_size=1_000))
        while page := self._do(lambda: next(pages, None)):
            for one in page:
                yield str(one["path"]).removeprefix(self._prefix), one["last_modified"]

    def remove(self, name: str) -> None:
        """Remove what is stored under a name, with every version of it."""
        import obstore

        for one in self._signed.versions(self._prefix + name):
            self._signed.delete(self._prefix + name, one.id)
        if self.size(name) is not None:
            self._do(lambda: obstore.delete(self._store, self._prefix + name))

    # Locks -------------------------------------------------------------------------------------

    def locks(self) -> bool:
        """Say whether the bucket locks objects; asked once, and again while no answer came."""
        if self._locks is None:
            self._locks = self._mode != "NONE" and self._signed.locks()
        return self._locks

    def lock(self, name: str, until: datetime) -> None:
        """Make the store refuse to remove a name before `until`; it never becomes earlier."""
        before = self.locked_until(name)
        if before is None or before < until:
            # The store counts in seconds: never less than what was asked for.
            end = until.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
            self._signed.retain(self._prefix + name, self._mode, end)

    def locked_until(self, name: str) -> datetime | None:
        """Return until when the store refuses to remove a name, None when it does not."""
        return self._signed.retained_until(self._prefix + name)

    def sweep(self, before: datetime) -> int:
        """Give up uploads that were begun before a moment and never finished; return how many."""
        return self._signed.sweep(self._prefix, before)

    def _do(self, work: Callable[[], T]) -> T:
        """Do something with the store; raises `Problem` 503 when it is away or refuses us."""
        from obstore.exceptions import (
            AlreadyExistsError,
            BaseError,
            PermissionDeniedError,
            UnauthenticatedError,
        )

        try:
            return work()
        except (AlreadyExistsError, FileNotFoundError):
            raise
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise closed(type(error).__name__) from None
        except BaseError as error:
            raise away(type(error).__name__) from None


class RemoteBlobs(Blobs):
    """Media in a bucket; what was on the disk before there was one is read and deleted there."""

    def __init__(self, folder: Path, bucket: Bucket) -> None:
        super().__init__(folder)
        self._bucket = bucket

    def put(self, blob_id: str, data: bytes) -> None:
        """Store `data` (sealed already) durably under `blob_id`; an existing blob is kept."""
        self._bucket.put(self._name(blob_id), data)

    def get(self, blob_id: str) -> bytes | None:
        """Return the sealed bytes, or None when there is no such blob."""
        try:
            return b"".join(self._bucket.parts(self._name(blob_id)))
        except FileNotFoundError:
            return super().get(blob_id)

    def delete(self, blob_id: str) -> None:
        """Remove the blob; nothing happens when it is gone already."""
        self._bucket.remove(self._name(blob_id))
        super().delete(blob_id)

    def _name(self, blob_id: str) -> str:
        return "blobs/" + self._path(blob_id).relative_to(self._folder).as_posix()


def bucket_of(settings: Objects) -> Bucket | None:
    """Return the bucket that the settings name, None when there is none.

    Says whether it locks objects. A store that is away at this moment stops nothing; wrong settings
    raise `Problem`.
    """
    if not settings.bucket:
        return None
    found = Bucket(settings)
    try:
        log.info("objects.bucket", bucket=settings.bucket, locks=found.locks(), lock=settings.lock)
    except Problem as problem:
        log.error("objects.away", bucket=settings.bucket, problem=problem.code)
    return found


def blobs_of(home: Path, bucket: Bucket | None) -> Blobs:
    """Return where media lie: in a bucket, or without one in the folder `home/blobs`."""
    return Blobs(home / "blobs") if bucket is None else RemoteBlobs(home / "blobs", bucket)


# Settings -------------------------------------------------------------------------------------


def _store(settings: Objects, keys: Credentials) -> "S3Store":
    try:
        from obstore.store import S3Store
    except ImportError as error:
        raise Problem("objects.missing", "Object stores need a library that is not installed.",
                      next_step="Run: pip install 'openhaven[s3]'") from error  # fmt: skip
    return S3Store(
        settings.bucket,
        endpoint=settings.endpoint.rstrip("/"),
        region=settings.region,
        access_key_id=keys.id,
        secret_access_key=keys.secret,
        client_options={"allow_http": _is_local(settings.endpoint),
                        "connect_timeout": "5 seconds", "timeout": "60 seconds"},
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
    )  # fmt: skip


def _is_local(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def credentials_at(settings: Objects) -> Credentials:
    """Return the keys from the file that the settings name.

    Raises `Problem` when the address is open (not HTTPS, and not this machine), or when the file
    is not there, can be read by others, or does not hold both keys.
    """
    url = urlsplit(settings.endpoint)
    if url.scheme != "https" and not (url.scheme == "http" and _is_local(settings.endpoint)):
        raise Problem("objects.endpoint", "The address of the object store must begin with "
                      "https://.", next_step="Mend [objects] endpoint.")  # fmt: skip
    path = settings.credentials
    try:
        if path is None or path.stat().st_mode & 0o077:
            raise Problem(
                "objects.credentials",
                "The keys of the object store need a file that its owner alone can read.",
                next_step="Name it in [objects] credentials, and chmod 600 it.",
            )
        told = tomllib.loads(path.read_text("utf-8"))
        return Credentials(str(told["access_key_id"]), str(told["secret_access_key"]))
    except (OSError, KeyError, ValueError) as error:
        raise Problem("objects.credentials", f"{path} does not hold the keys of the object store.",
                      next_step='It has two lines: access_key_id = "…" and secret_access_key = '
                      '"…".') from error  # fmt: skip
