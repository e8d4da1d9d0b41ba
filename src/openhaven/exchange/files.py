"""A file on this machine that somebody keeps up to date: CSV, JSON, or one value a line.

Whenever it has changed it is read as a whole: what it does not name any more is withdrawn. It is
read in pieces, and one that changes while it is read is begun again.
"""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from openhaven.connectors import Http
from openhaven.core import Problem
from openhaven.exchange.model import (
    Change,
    Exchange,
    Page,
    Saying,
    Source,
    SourceError,
    StartAgainError,
    Told,
    Value,
    mark,
    position,
)
from openhaven.signals.banks.model import KINDS, Kind
from openhaven.signals.banks.reading import COLUMNS, Line, Rows, is_list, lines, whole_list

_LINES = 5_000


def open_source(source: Source, credentials: Mapping[str, str], http: Http) -> Exchange:
    """Return the reader. The address is a path; config: `kind`, what its values are."""
    del credentials, http
    if source.config.get("kind") not in KINDS:
        raise Problem("source.config", "Say what the values of this file are.",
                      next_step="Give --set kind= one of: " + ", ".join(KINDS))  # fmt: skip
    path = Path(source.url.removeprefix("file://"))
    if not path.is_absolute():
        raise Problem("source.url", "The file of a source is named by its whole path.",
                      next_step="Give a path that begins with “/”.")  # fmt: skip
    return ListFile(path, source)


class ListFile:
    """Reads one file."""

    def __init__(self, path: Path, source: Source) -> None:
        self._path, self._name = path, source.name
        self._kind: Kind = source.config["kind"]

    def fetch(self, checkpoint: str, now: datetime) -> Page:
        """Return the next piece of the file; nothing while it is as it was."""
        del now
        at = position(checkpoint)
        try:
            with self._path.open("rb") as file:
                return self._page(file, at)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise SourceError(f"The file cannot be read: {why}.") from error
        except Problem as problem:
            raise SourceError(f"{problem.title} {problem.detail}".strip()) from problem

    def send(self, saying: Saying) -> Told:
        """Refuse: a file takes no word."""
        del saying
        return Told("failed", "A file takes no feedback.")

    def _page(self, file: BinaryIO, at: dict[str, Any]) -> Page:
        stamp = _stamp(file)
        if at.get("stamp") == stamp and at.get("whole"):
            return Page(changes=(), checkpoint=mark(**at))
        if at and not at.get("whole") and at.get("stamp") != stamp:
            raise StartAgainError("The file changed while it was read.")
        begun = at if at.get("stamp") == stamp else {}
        names, number = list(begun.get("names", COLUMNS)), int(begun.get("line", 0))
        rows = Rows(self._kind, self._name, names)
        file.seek(int(begun.get("place", 0)))
        read = self._listed(file, rows, number) if not begun and is_list(file) else self._read(
            file, rows, number)  # fmt: skip
        found = [line for line in read if line is not None]
        changes = tuple(_change(self._kind, line) for line in found if line.entry is not None)
        faults = tuple(f"line {one.number}: {one.fault}" for one in found if one.entry is None)
        whole = not file.read(1)
        if not whole:
            file.seek(-1, 1)
        if _stamp(file) != stamp:
            raise StartAgainError("The file changed while it was read.")
        place = mark(stamp=stamp, whole=whole, place=file.tell(), line=number + _LINES,
                     names=rows.names)  # fmt: skip
        return Page(changes=changes, checkpoint=place, more=not whole, starts=not begun,
                    ends=whole, faults=faults)  # fmt: skip

    def _read(self, file: BinaryIO, rows: Rows, number: int) -> Iterator[Line | None]:
        for count, raw in enumerate(lines(file), 1):
            yield rows.line(number + count, raw)
            if count == _LINES:
                return

    def _listed(self, file: BinaryIO, rows: Rows, number: int) -> Iterator[Line | None]:
        found = whole_list(file)
        if len(found) > _LINES * 4:
            raise Problem("bank.file", f"A JSON list here has at most {_LINES * 4} entries.",
                          "Give CSV or one JSON object a line instead.")  # fmt: skip
        for count, row in enumerate(found, 1):
            yield rows.row(number + count, row)


def _change(kind: Kind, line: Line) -> Change:
    entry = line.entry
    assert entry is not None
    name = entry.source_id or (entry.value.hex()[:200] if kind != "link" else entry.value.decode())
    return Change(source_id=name[:200], values=(Value(kind, entry.value, entry.quality),),
                  tags=entry.tags)  # fmt: skip


def _stamp(file: BinaryIO) -> str:
    state = os.fstat(file.fileno())
    return f"{state.st_ino}-{state.st_size}-{state.st_mtime_ns}"
