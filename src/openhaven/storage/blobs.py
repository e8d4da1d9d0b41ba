"""Sealed bytes on disk: written whole or not at all, found by id."""

import os
from pathlib import Path


class Blobs:
    """A folder of sealed files, two levels deep so that no folder grows too large."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, blob_id: str, data: bytes) -> None:
        """Store `data` (sealed already) durably under `blob_id`; an existing blob is kept."""
        path = self._path(blob_id)
        if path.exists():
            return
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            sync_folder(self._folder)
        draft = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
        with open(draft, "xb", opener=_private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(path.parent)

    def get(self, blob_id: str) -> bytes | None:
        """Return the sealed bytes, or None when there is no such blob."""
        try:
            return self._path(blob_id).read_bytes()
        except FileNotFoundError:
            return None

    def delete(self, blob_id: str) -> None:
        """Remove the blob; nothing happens when it is gone already."""
        self._path(blob_id).unlink(missing_ok=True)

    def _path(self, blob_id: str) -> Path:
        if not blob_id.replace("_", "").isalnum():
            raise ValueError("a blob id holds letters, digits and underscores only")
        return self._folder / blob_id[-2:] / blob_id


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a loss of power, as `fsync` does for what is in a file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
