"""Reads files with entries for a bank, of any length: one value a line, CSV, or JSON."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple

import msgspec

from openhaven.core import Problem
from openhaven.core.sheets import legible
from openhaven.signals.banks.model import LONGEST_SOURCE_ID, LONGEST_TAG, MOST_TAGS, NewEntry
from openhaven.signals.links import canonical, prefixes
from openhaven.signals.text import near

COLUMNS = ("value", "quality", "provenance")
LONGEST_LINE = 80_000  # a long film
# A list in brackets has to be read as a whole; the other forms are read line by line.
LONGEST_LIST = 64_000_000

# A value of these kinds that is no text or link: at least four bytes in hexadecimal.
_HASH = re.compile("(?:[0-9a-fA-F]{2}){4,32}")
_VALUE = ("value", "hash", "sha256", "sha1", "md5", "pdq", "link", "url")
_ORIGIN = ("provenance", "source")
_ID = ("id", "source_id")
_END = ("expires_at", "expires")
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """What stands in one place of a file: an entry, or why it is none. `number` counts from 1."""

    number: int
    entry: NewEntry | None
    fault: str = ""


class Rows:
    """Turns the lines of a file, one after another, into entries; knows the columns it has seen."""

    def __init__(self, kind: str, provenance: str, names: Sequence[str] = COLUMNS) -> None:
        self.names = list(names)
        self._kind, self._provenance = kind, provenance

    def line(self, number: int, raw: bytes) -> Line | None:
        """Return what stands in a line; None for an empty one, a comment, or names of columns."""
        if len(raw) > LONGEST_LINE:
            return Line(number, None, f"the line is longer than {LONGEST_LINE} bytes")
        text = raw.decode("utf-8", errors="replace").strip("\ufeff \t\r\n")
        if not text or text.startswith("#"):
            return None
        if text.startswith("{"):
            return self._json_line(number, text)
        try:
            cells = [legible(cell.strip()) for cell in next(csv.reader(io.StringIO(text)))]
        except csv.Error:
            return Line(number, None, "the line cannot be read as CSV")
        lowered = [cell.lower() for cell in cells]
        if any(name in lowered for name in _VALUE):
            self.names = lowered
            return None
        return self.row(number, dict(zip(self.names, cells, strict=False)))

    def row(self, number: int, row: Any) -> Line:
        """Return the entry that an object (or a bare value) of a JSON list stands for."""
        fields = row if isinstance(row, dict) else {"value": row}
        try:
            return Line(number, _entry(self._kind, fields, self._provenance))
        except ValueError as fault:
            return Line(number, None, str(fault))

    def _json_line(self, number: int, text: str) -> Line:
        try:
            return self.row(number, msgspec.json.decode(text))
        except (msgspec.DecodeError, RecursionError):
            return Line(number, None, "the line begins like JSON and is none")


def read_entries(kind: str, file: BinaryIO, provenance: str) -> Iterator[Line]:
    """Yield what a file for a bank of this kind holds, in order, in bounded memory.

    JSON is a list of values or of objects, or an object a line; CSV has a value, a quality and a
    provenance, in columns of that order or named in a first line (also `id`, `tags`, `expires_at`);
    anything else is a value a line, `#` for comments. Hashes are hexadecimal. Raises `Problem` for
    a JSON list that is none or is longer than 64 MB.
    """
    rows = Rows(kind, provenance)
    if is_list(file):
        for number, row in enumerate(whole_list(file), 1):
            yield rows.row(number, row)
        return
    for number, raw in enumerate(lines(file), 1):
        line = rows.line(number, raw)
        if line is not None:
            yield line


def is_list(file: BinaryIO) -> bool:
    """Say whether a file holds one JSON list; its place stays where it was."""
    place = file.tell()
    head = file.read(4_096)
    file.seek(place)
    return head.removeprefix(_BOM).lstrip()[:1] == b"["


def whole_list(file: BinaryIO) -> list[Any]:
    """Return the JSON list that a file holds; raises `Problem` when it is none or too long."""
    data = file.read(LONGEST_LIST + 1)
    if len(data) > LONGEST_LIST:
        raise Problem("bank.file", "A JSON list of this length cannot be read at once.",
                      next_step="Give CSV, one value a line, or one JSON object a line.",
                      )  # fmt: skip
    try:
        found = msgspec.json.decode(data.removeprefix(_BOM))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem(
            "bank.file",
            "This file begins like JSON and is none.",
            str(error),
            next_step="Give a JSON list, CSV, or one value a line.",
        ) from error
    return found if isinstance(found, list) else [found]


def lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file; of an overlong one its beginning, too long to be taken for one."""
    while raw := file.readline(LONGEST_LINE + 1):
        whole = raw
        while len(whole) > LONGEST_LINE and not whole.endswith(b"\n"):
            whole = file.readline(LONGEST_LINE + 1)
            if not whole:
                break
        yield raw


def parse_value(kind: str, text: str) -> bytes:
    """Return the bytes of a value that a person wrote; raises `ValueError` with the reason."""
    if kind == "link":
        form = canonical(text)
        if form is None:
            raise ValueError("this is not a web address")
        return form.encode()
    if kind == "plugin":
        return _by_plugin(text.strip())
    if kind in ("text", "link-hash") and not _HASH.fullmatch(text.strip()):
        return _hashed(kind, text)
    try:
        return bytes.fromhex(text.strip())
    except ValueError:
        raise ValueError("this is not hexadecimal") from None


def _hashed(kind: str, text: str) -> bytes:
    """Return what stands for a text, or for a link of which only the hash shall be kept."""
    if kind == "text":
        found = near.sketch(text)
        if found is None:
            raise ValueError(near.SHORT)
        return found
    form = prefixes.expression(text)
    if form is None:
        raise ValueError("this is neither hexadecimal nor a web address")
    return prefixes.hash_of(form)


def _by_plugin(text: str) -> bytes:
    name, colon, digits = text.partition(":")
    if not colon:
        raise ValueError("this is not a plugin's name, a colon and hexadecimal")
    return name.encode() + b"\0" + parse_value("", digits)


def shown(kind: str, value: bytes) -> str:
    """Return a value as people write it: a hash in hexadecimal, a link as it is."""
    if kind == "plugin":
        name, _, hashed = value.partition(b"\0")
        return f"{name.decode('ascii', 'replace')}:{hashed.hex()}"
    return value.decode("utf-8", errors="replace") if kind == "link" else value.hex()


def _entry(kind: str, row: dict[str, Any], provenance: str) -> NewEntry:
    value = next((row[name] for name in _VALUE if row.get(name)), "")
    if not isinstance(value, str) or not value:
        raise ValueError("there is no value")
    origin = next((str(row[name]) for name in _ORIGIN if row.get(name)), provenance)
    named = next((str(row[name]) for name in _ID if row.get(name)), None)
    return NewEntry(
        parse_value(kind, value),
        _quality(row.get("quality")),
        _plain(origin)[:500],
        None if named is None else _plain(named)[:LONGEST_SOURCE_ID],
        _tags(row.get("tags")),
        _moment(next((row[name] for name in _END if row.get(name)), None)),
    )


def _quality(told: Any) -> int | None:
    if told in (None, ""):
        return None
    try:
        return int(told)
    except (TypeError, ValueError):
        raise ValueError("the quality is not a whole number") from None


def _tags(told: Any) -> tuple[str, ...]:
    given = told if isinstance(told, list) else str(told or "").replace(";", " ").split()
    return tuple(_plain(str(tag))[:LONGEST_TAG] for tag in given[:MOST_TAGS] if str(tag))


def _moment(told: Any) -> datetime | None:
    if told is None:
        return None
    try:
        at = datetime.fromisoformat(str(told))
    except ValueError:
        raise ValueError("the time of its end is not one such as 2030-01-31") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _plain(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char for char in text if char.isprintable())
