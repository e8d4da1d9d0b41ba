"""CSV (RFC 4180) in which no cell is a formula, whoever wrote it.

A spreadsheet takes a cell for a formula that begins with one of a few characters, also in quotes
(OWASP, "CSV Injection"). Such a cell gets an apostrophe, which spreadsheets take for "this is
text"; `legible` takes it away again, so that what was written is read back as it was.
"""

import csv
import re
from collections.abc import Iterable
from typing import Protocol

# Also as full-width characters, which spreadsheets in East Asian languages take alike.
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_MARKED = re.compile("'+[=+\\-@\t\r\n＝＋－＠]")


class Out(Protocol):
    """Where lines are written to."""

    def write(self, text: str, /) -> object: ...


class Sheet:
    """Writes lines of CSV to `out`; each ends with `ends`."""

    def __init__(self, out: Out, ends: str = "\r\n") -> None:
        self._writer = csv.writer(out, lineterminator=ends)

    def line(self, cells: Iterable[object]) -> None:
        """Write a line; text that would be a formula is made inert, numbers stay as they are."""
        self._writer.writerow([inert(cell) if isinstance(cell, str) else cell for cell in cells])

    def lines(self, rows: Iterable[Iterable[object]]) -> None:
        """Write several lines."""
        for row in rows:
            self.line(row)


def inert(cell: str) -> str:
    """Return a cell as a spreadsheet takes it for text."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def legible(cell: str) -> str:
    """Return what a cell said before `inert`."""
    return cell[1:] if _MARKED.match(cell) else cell
