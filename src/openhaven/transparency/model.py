"""Counts that may be shown: small ones are withheld, and so is what would give them away. Pure."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

# Numbers from 1 to 4 are withheld; 0 is shown, since nobody is behind it.
SMALLEST = 5
Count = tuple[str, str, int]


class Row(msgspec.Struct, frozen=True):
    """One count of a table; `n` None means withheld."""

    key: str
    label: str
    n: int | None


class Table(msgspec.Struct, frozen=True):
    """A table whose rows add up to `total`; None means withheld. It may be shown without rows."""

    name: str
    title: str
    rows: tuple[Row, ...]
    total: int | None


class Week(msgspec.Struct, frozen=True):
    """The decisions of one week, which begins on a Monday (UTC)."""

    first: date
    n: int | None


class Rules(msgspec.Struct, frozen=True):
    """The rules in force, and how they changed: by two people, by one alone, or taken back."""

    name: str
    version: str
    fingerprint: str
    since: datetime
    by_two: int
    alone: int
    taken_back: int


class FlaggerFigures(msgspec.Struct, frozen=True):
    """A trusted flagger: how many of its reports were decided, and the share that led to something.

    None means withheld, or that there is nothing yet.
    """

    name: str
    decided: int | None
    precision: float | None


class RequestFigures(msgspec.Struct, frozen=True):
    """Requests of authorities: accounts of which data was given, the median time to an answer in
    hours, and how often the person was told later. None means withheld, or nothing yet.
    """

    accounts: int | None = 0
    median_hours: float | None = None
    told_later: int | None = 0


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the transparency page shows.

    Medians are in hours, shares from 0 to 1; None means withheld, or that there is nothing yet.
    """

    service: str
    since: datetime | None
    until: datetime
    tables: tuple[Table, ...]
    weeks: tuple[Week, ...]
    orders: int | None
    median_hours: float | None
    median_report_hours: float | None
    overturned_share: float | None
    smallest: int = SMALLEST
    median_filing_hours: float | None = None
    rules: Rules | None = None
    flaggers: tuple[FlaggerFigures, ...] = ()
    not_independent: int | None = 0
    requests: RequestFigures = RequestFigures()

    def table(self, name: str) -> Table:
        """Return the table of this name."""
        return next(table for table in self.tables if table.name == name)


def withhold(name: str, title: str, counts: Sequence[Count]) -> Table:
    """Return a table of `counts` (key, label, n) with every small count withheld.

    The total is shown, so a withheld count could be worked out by subtraction. The next larger rows
    are therefore withheld as well, equal ones together, until more than one story fits; where no
    other row than empty ones would be left, only the total is shown. A small total is withheld.
    """
    total = sum(n for _, _, n in counts)
    if 0 < total < SMALLEST:
        return Table(name, title, (), None)
    hidden = {key for key, _, n in counts if 0 < n < SMALLEST}
    for least in sorted({n for _, _, n in counts if n >= SMALLEST}):
        if not hidden or _open(counts, hidden):
            break
        hidden |= {key for key, _, n in counts if n == least}
    if hidden and hidden == {key for key, _, n in counts if n}:
        return Table(name, title, (), total)
    rows = tuple(Row(key, label, None if key in hidden else n) for key, label, n in counts)
    return Table(name, title, rows, total)


def _open(counts: Sequence[Count], hidden: set[str]) -> bool:
    """Say whether the sum of the withheld counts leaves open what each of them is.

    Whoever knows this rule knows that a row withheld for its size is from 1 to 4, so that a sum at
    the lowest or highest end would give every row away.
    """
    values = [n for key, _, n in counts if key in hidden]
    if len(values) < 2:
        return False
    if all(n < SMALLEST for n in values):
        return len(values) < sum(values) < (SMALLEST - 1) * len(values)
    return True


def share(part: int | None, rest: int | None) -> float | None:
    """Return part / (part + rest), or None when either is withheld or there is nothing."""
    if part is None or rest is None or part + rest == 0:
        return None
    return part / (part + rest)
