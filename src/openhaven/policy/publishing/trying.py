"""Tries the files of a pack before anybody relies on them, at arm's length."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path

import msgspec

from openhaven.core import Problem
from openhaven.policy.folder import fingerprint
from openhaven.policy.publishing.model import Trial, check_files

SECONDS = 10
"""How long a pack may compute until it is compiled and its examples have run."""
_PATIENCE = 6 * SECONDS
# However many people check drafts, the line keeps its cores.
_AT_ONCE = threading.BoundedSemaphore(2)
_QUEUE = 20.0
# What was good a moment ago is good still: whoever checks, proposes and publishes waits once.
_GOOD: OrderedDict[str, Trial] = OrderedDict()
_REMEMBERED = 4
_CHILD = (sys.executable, "-m", "openhaven.policy.publishing.child")
_PASSED_ON = ("PATH", "PYTHONPATH", "LANG", "HOME", "TMPDIR")


def try_out(files: dict[str, str], seconds: int = SECONDS) -> Trial:
    """Return what comes of loading these files and running their examples.

    It is done in another process, which may compute for `seconds`. Raises `Problem`: for files that
    no pack can have (400, 413), when trying takes too long or ends in a crash (422), and when too
    many packs are being tried already (503).
    """
    check_files(files)
    given = fingerprint(files)
    known = _GOOD.get(given)
    if known is not None:
        return known
    if not _AT_ONCE.acquire(timeout=_QUEUE):
        raise Problem("pack.busy", "Too many packs are being checked.", status=503,
                      next_step="Try again in a moment.")  # fmt: skip
    try:
        found = msgspec.structs.replace(_try(files, seconds), given=given)
    finally:
        _AT_ONCE.release()
    # Without installed packs in it, the same files mean the same pack.
    if found.ok and found.fingerprint == given:
        _GOOD[given] = found
        while len(_GOOD) > _REMEMBERED:
            _GOOD.popitem(last=False)
    return found


def _try(files: dict[str, str], seconds: int) -> Trial:
    with tempfile.TemporaryDirectory(prefix="openhaven-pack-") as name:
        _write(Path(name), files)
        try:
            done = subprocess.run(  # noqa: S603 (our own program)
                (*_CHILD, name, str(seconds)), capture_output=True, check=False,
                timeout=_PATIENCE, env={k: os.environ[k] for k in _PASSED_ON if k in os.environ},
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            raise _too_slow(seconds) from late
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise _too_slow(seconds)
    if done.returncode:
        raise Problem("pack.untried", "This pack could not be tried: the attempt broke off.",
                      f"Status {done.returncode}", status=422,
                      next_step="Is it very large? What runs stays as it is.")  # fmt: skip
    return msgspec.json.decode(done.stdout, type=Trial)


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise Problem("draft.file", f"“{name}” is a file and a folder at once.") from error


def _too_slow(seconds: int) -> Problem:
    return Problem("pack.slow", f"This pack needs more than {seconds} seconds to compile.",
                   status=422, next_step="Make its rules fewer or simpler. What runs stays.",
                   )  # fmt: skip
