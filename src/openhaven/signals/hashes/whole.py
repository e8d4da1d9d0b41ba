"""Files that are there whole or not at all, and locks that a crash lets go of.

A file is written beside the old one, forced to the disk, and then takes its name: whoever has the
old one open or mapped keeps it, and whatever breaks off leaves one of the two.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4


@contextmanager
def beside(path: Path) -> Iterator[Any]:
    """Give a new file in the folder of `path`; it is gone at the end unless it was renamed."""
    name = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with name.open("xb") as file:
            yield file
    finally:
        name.unlink(missing_ok=True)


def rename(part: Any, path: Path) -> None:
    """Put a file that was written in the place of `path`, for good."""
    os.replace(part.name, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock of this name alone among all threads and processes, and say whether it is so.

    It always is, after a while, unless `wait` is false and somebody else holds it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
