"""Files in the clear that leave the house: each has its name once it is whole, and never before.

Until then the file has no name at all, so that a process which is killed leaves nothing: the system
takes its bytes back. Where a file system knows no such files (some shared ones; systems other than
Linux), the file is written under its name, and is removed when something fails.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from openhaven.core import Problem

_HANDLES = "/proc/self/fd"


@contextmanager
def whole(target: Path) -> Iterator[BinaryIO]:
    """Give a file to write (mode 0600), which is at `target` when all went well, else nowhere.

    Raises `Problem` 409 when something of this name is there, before or at the end.
    """
    if os.path.lexists(target):
        raise _there(target)
    handle = _unnamed(target.parent)
    try:
        if handle is None:
            with _named(target) as file:
                yield file
            return
        with open(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(handle)
            _name(handle, target)
    except FileExistsError as error:
        raise _there(target) from error


def _unnamed(folder: Path) -> int | None:
    """Open a file without a name; None where there are none."""
    kind = getattr(os, "O_TMPFILE", None)
    if kind is None or not os.path.isdir(_HANDLES):
        return None
    try:
        return os.open(folder, kind | os.O_WRONLY, 0o600)
    except OSError:
        return None


def _name(handle: int, target: Path) -> None:
    """Give an unnamed file its name (open(2), O_TMPFILE); one that is taken stays as it is."""
    handles = os.open(_HANDLES, os.O_RDONLY)
    try:
        os.link(str(handle), target, src_dir_fd=handles, follow_symlinks=True)
    finally:
        os.close(handles)


@contextmanager
def _named(target: Path) -> Iterator[BinaryIO]:
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        try:
            yield file
        except BaseException:
            target.unlink()
            raise


def _there(target: Path) -> Problem:
    return Problem("file.exists", f"{target} is there already.", status=409,
                   next_step="Choose another name.")  # fmt: skip
