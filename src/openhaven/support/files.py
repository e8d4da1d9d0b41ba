"""The directory as a file: CSV with a head, checked line by line, taken whole or not at all."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from importlib import resources

from openhaven.core import Problem
from openhaven.core.sheets import Sheet, legible
from openhaven.support.checking import COLUMNS, NEEDED, service_of, unpaired
from openhaven.support.model import OLDEST, Service

LARGEST = 5_000_000
MOST_LINES = 20_000
_MOST_SAID = 50


class BadFile(Problem):
    """A file that is not taken; `complaints` has a sentence for each mistake, with its line."""

    def __init__(self, complaints: list[str]) -> None:
        said = complaints[:_MOST_SAID]
        if len(complaints) > _MOST_SAID:
            said.append(f"and {len(complaints) - _MOST_SAID} more")
        super().__init__("support.file", "Nothing was imported: the file has mistakes.",
                         "; ".join(said), next_step="Mend these lines and import it again.",
                         )  # fmt: skip
        self.complaints = said


def read_csv(raw: bytes, today: date) -> list[Service]:
    """Return the services in a CSV file (RFC 4180, UTF-8) whose head names the columns.

    Raises `BadFile` with every mistake and its line: also for an id that stands there twice.
    """
    found: dict[str, tuple[int, Service]] = {}
    wrong: list[str] = []
    for line, told in _rows(raw):
        service, complaints = service_of(told, today)
        wrong += [f"line {line}: {one}" for one in complaints]
        if service is None:
            continue
        if service.id in found:
            wrong.append(f"line {line}: id: “{service.id}” stands on line {found[service.id][0]}")
        found.setdefault(service.id, (line, service))
    wrong += [
        f"line {found[one][0]}: pair: nobody else in this country has this pair"
        for one in unpaired([service for _, service in found.values()])
    ]
    if wrong:
        raise BadFile(wrong)
    if not found:
        raise BadFile(["the file names no service"])
    return [service for _, service in found.values()]


def _rows(raw: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each line's number with its fields."""
    reader = csv.reader(io.StringIO(_text(raw), newline=""), strict=True)
    try:
        head = [one.strip() for one in next(reader, [])]
        _check_head(head)
        for fields in reader:
            if reader.line_num > MOST_LINES:
                raise BadFile([f"it has more than {MOST_LINES} lines"])
            if not any(fields):
                continue
            if len(fields) != len(head):
                raise BadFile([f"line {reader.line_num}: it has {len(fields)} fields, the head "
                               f"has {len(head)}"])  # fmt: skip
            yield reader.line_num, dict(zip(head, map(legible, fields), strict=True))
    except csv.Error as error:
        raise BadFile([f"line {reader.line_num}: {error}"]) from error


def _text(raw: bytes) -> str:
    if len(raw) > LARGEST:
        raise BadFile([f"it is larger than {LARGEST // 1_000_000} MB"])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadFile([f"line {line}: it is not UTF-8"]) from error
    if "\0" in text:
        raise BadFile([f"line {text.count(chr(10), 0, text.index(chr(0))) + 1}: it holds NUL"])
    return text


def _check_head(head: list[str]) -> None:
    wrong = [f"line 1: there is no column “{one[:40]}”" for one in head if one not in COLUMNS]
    wrong += [f"line 1: the column “{one}” is missing" for one in NEEDED if one not in head]
    if len(set(head)) != len(head):
        wrong.append("line 1: a column stands there twice")
    if wrong:
        raise BadFile(wrong)


def as_csv(services: list[Service]) -> str:
    """Return services as a file that `read_csv` takes."""
    out = io.StringIO()
    sheet = Sheet(out, "\n")
    sheet.line(COLUMNS)
    for one in services:
        told = {name: getattr(one, name) for name in COLUMNS if name != "ages"}
        told |= {"ages": ages(one), "languages": " ".join(one.languages),
                 "topics": " ".join(one.topics), "verified_on": one.verified_on or ""}  # fmt: skip
        sheet.line([told[name] for name in COLUMNS])
    return out.getvalue()


def ages(one: Service) -> str:
    """Return the ages of a service as a file tells them: `all`, `13-17`, `18+`."""
    if (one.age_from, one.age_to) == (0, OLDEST):
        return "all"
    if one.age_to == OLDEST:
        return f"{one.age_from}+"
    return f"{one.age_from}-{one.age_to}"


def shipped(today: date) -> list[Service]:
    """Return the directory that comes with the package: from general knowledge, none verified."""
    raw = resources.files("openhaven.support").joinpath("data/directory.csv").read_bytes()
    return read_csv(raw, today)
