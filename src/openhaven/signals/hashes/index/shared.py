"""An index file that many processes search and change.

What one adds or removes stands in a log beside the file, and the others take it up within a quarter
of a second, by two looks at the file system: nobody is told, nobody waits, nobody reads all again.
A merge writes the next generation of the file beside the old one and then gives it the name. Until
that moment the old file and its log are whole, whatever breaks off.
"""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from openhaven.signals.hashes.index import file as files
from openhaven.signals.hashes.index import log
from openhaven.signals.hashes.index.bits import Words, checked, words_of
from openhaven.signals.hashes.index.pdq_index import (
    MERGE_AFTER,
    Matches,
    PdqIndex,
    Refused,
    checked_ids,
    merged,
    sieved,
    start,
)
from openhaven.signals.hashes.whole import beside, locked, rename

PATIENCE = 0.25


class SharedPdqIndex(PdqIndex):
    """A `PdqIndex` on a file, whose changes are kept and reach every process that has it open.

    The folder must allow new files and be on a local disk. A process that may only read the folder
    can search and follows the others, and its changes raise `OSError`.
    """

    _path: Path
    _generation: int
    _file: tuple[int, int]
    _end: int
    _looked: float
    _follow: threading.Lock

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        check: bool = False,
        merge_after: int | None = MERGE_AFTER,
    ) -> "SharedPdqIndex":
        """Return the index at `path`, made by `PdqIndex.save`, with what its log says.

        Raises what `PdqIndex.open` raises.
        """
        index = cls(PdqIndex.open(path, check=check)._state.main, (), merge_after)
        index._path = Path(path)
        index._file, index._end, index._generation = (0, 0), 0, -1
        index._follow = threading.Lock()
        index._looked = 0.0
        index.refresh()
        return index

    def refresh(self) -> None:
        """Take up what was done to the file and its log, by whomever, until now."""
        with self._follow:
            self._looked = time.monotonic()
            while True:
                here = _stamp(self._path)
                if here != self._file:
                    self._reopen(here)
                news = log.read(self._log(self._generation), self._end)
                if _stamp(self._path) == here:  # else that log may have been put away meanwhile
                    break
            self._take(news)

    def add(
        self, hashes: ArrayLike, ids: ArrayLike, quality: ArrayLike | None = None
    ) -> tuple[Refused, ...]:
        """Add hashes as `PdqIndex.add` does, for all; on return they are on the disk.

        Raises `OSError` when they cannot be written; then nothing was added.
        """
        given = checked(hashes)
        numbers = checked_ids(ids, len(given))
        taken, refused = sieved(given, quality)
        self._write(log.records(log.ADD, numbers[taken], given[taken]))
        return refused

    def remove(self, ids: ArrayLike) -> None:
        """Remove ids as `PdqIndex.remove` does, for all; on return that is on the disk."""
        self._write(log.records(log.REMOVE, np.unique(np.asarray(ids, np.int64)), None))

    def merge(self) -> None:
        """Write a file of everything and begin a new log. Others search and change meanwhile.

        Only one process merges at a time. Raises `OSError` when the file cannot be written: file
        and log then stand as they were.
        """
        with locked(self._beside("merging")):
            for left in self._path.parent.glob(f".{self._path.name}.*.part"):
                left.unlink(missing_ok=True)
            self.refresh()
            with self._follow, self._writing:
                begun, end, generation = self._state, self._end, self._generation
                dead, alive = set(begun.dead), begun.delta.alive[: begun.delta.rows].copy()
            if not dead and not len(alive):
                return
            main = merged(begun, dead, alive)
            with beside(self._path) as part:
                files.write(main, part, generation + 1)
                with locked(self._beside("lock")):
                    tail = log.read(self._log(generation), end)
                    log.append(self._log(generation + 1), 0, tail)
                    rename(part, self._path)
                    self._log(generation).unlink(missing_ok=True)
        self.refresh()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Merge; then, for another path, also write the index there."""
        self.merge()
        if Path(path).resolve() != self._path.resolve():
            files.save(self._state.main, Path(path))

    def _search(self, queries: Words, radius: int, threads: int, limit: int) -> Matches:
        if time.monotonic() - self._looked > PATIENCE and not self._follow.locked():
            try:
                self.refresh()
                self.trouble = ""
            except (OSError, files.IndexFileError) as error:  # the last good state stays
                self.trouble = self.trouble or f"not followed since {time.time():.0f}: {error}"
        return super()._search(queries, radius, threads, limit)

    def _write(self, more: Any) -> None:
        with locked(self._beside("lock")):
            self.refresh()
            if len(more):
                log.append(self._log(self._generation), self._end, more)
        self.refresh()
        self._merge_if_due()

    def _reopen(self, here: tuple[int, int]) -> None:
        opened = files.open_file(self._path)
        with self._writing:
            self._state = start(opened.segment)
        self._file, self._generation, self._end = here, opened.generation, 0

    def _take(self, news: Any) -> None:
        for run in _runs(news):
            if run["verb"][0] == log.ADD:
                words = words_of(np.ascontiguousarray(run["hash"]))
                self._put(words, run["id"].astype(np.int64))
            else:
                self._drop(run["id"].astype(np.int64))
        self._end += news.nbytes

    def _log(self, generation: int) -> Path:
        return self._beside(f"{generation}.log")

    def _beside(self, end: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{end}")


def _runs(news: Any) -> Iterator[Any]:
    """Yield the records in stretches of one verb each, in order."""
    edges = np.flatnonzero(np.diff(news["verb"].astype(np.int64))) + 1
    yield from (run for run in np.split(news, edges) if len(run))


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns
