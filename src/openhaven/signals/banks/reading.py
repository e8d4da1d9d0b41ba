"""Reads files with entries for a bank: one value a line, CSV, or JSON."""

import csv
import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from openhaven.core import Problem
from openhaven.signals.banks.model import NewEntry
from openhaven.signals.links import canonical

_VALUE = ("value", "hash", "sha256", "md5", "pdq", "link", "url")
_ORIGIN = ("provenance", "source")


class Line(NamedTuple):
    """What stands in one place of a file: an entry, or why it is none. `number` counts from 1."""

    number: int
    entry: NewEntry | None
    fault: str = ""


def read_entries(kind: str, text: str, provenance: str) -> list[Line]:
    """Return what a file for a bank of this kind holds, in order.

    JSON is a list of values or of objects; CSV has a value, a quality and a provenance, in columns
    of that order or named in a first line; anything else is a value a line, `#` for comments.
    Hashes are hexadecimal. Raises `Problem` for JSON that is none.
    """
    rows = _json(text) if text.lstrip()[:1] in ("[", "{") else _lines(text)
    return [_line(kind, number, row, provenance) for number, row in rows]


def parse_value(kind: str, text: str) -> bytes:
    """Return the bytes of a value that a person wrote; raises `ValueError` with the reason."""
    if kind == "link":
        form = canonical(text)
        if form is None:
            raise ValueError("this is not a web address")
        return form.encode()
    try:
        return bytes.fromhex(text.strip())
    except ValueError:
        raise ValueError("this is not hexadecimal") from None


def _line(kind: str, number: int, row: dict[str, Any], provenance: str) -> Line:
    value = next((row[name] for name in _VALUE if row.get(name)), "")
    origin = next((str(row[name]) for name in _ORIGIN if row.get(name)), provenance)
    try:
        quality = int(row["quality"]) if row.get("quality") not in (None, "") else None
    except (TypeError, ValueError):
        return Line(number, None, "the quality is not a whole number")
    if not isinstance(value, str) or not value:
        return Line(number, None, "there is no value")
    try:
        return Line(number, NewEntry(parse_value(kind, value), quality, origin[:500]))
    except ValueError as error:
        return Line(number, None, str(error))


def _json(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Problem(
            "bank.file",
            "This file begins like JSON and is none.",
            str(error),
            next_step="Give a JSON list, CSV, or one value a line.",
        ) from error
    listed = found if isinstance(found, list) else [found]
    for number, one in enumerate(listed, 1):
        yield number, one if isinstance(one, dict) else {"value": one}


def _lines(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    names = ["value", "quality", "provenance"]
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        cells = [cell.strip() for cell in next(csv.reader(io.StringIO(line)))]
        lowered = [cell.lower() for cell in cells]
        if any(name in lowered for name in _VALUE):
            names = lowered
        else:
            yield number, dict(zip(names, cells, strict=False))
