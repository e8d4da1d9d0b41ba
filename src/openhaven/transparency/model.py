"""Counts that may be shown: small ones are withheld, and so is what would give them away. Pure."""

from datetime import date, datetime

import msgspec

# Numbers from 1 to 4 are withheld; 0 is shown, since nobody is behind it.
SMALLEST = 5


class Row(msgspec.Struct, frozen=True):
    """One count of a table; `n` None means withheld."""

    key: str
    label: str
    n: int | None


class Table(msgspec.Struct, frozen=True):
    """A table whose rows add up to `total`; None means withheld."""

    name: str
    title: str
    rows: tuple[Row, ...]
    total: int | None


class Week(msgspec.Struct, frozen=True):
    """The decisions of one week, which begins on a Monday (UTC)."""

    first: date
    n: int | None


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

    def table(self, name: str) -> Table:
        """Return the table of this name."""
        return next(table for table in self.tables if table.name == name)


def withhold(name: str, title: str, counts: list[tuple[str, str, int]]) -> Table:
    """Return a table of `counts` (key, label, n) with every small count withheld.

    As long as the total is shown, the withheld counts can be added up by subtraction. So further
    rows, the smallest first, are withheld until at least two are, and they add up to enough to
    leave open what each of them is.
    """
    total = sum(n for _, _, n in counts)
    if 0 < total < SMALLEST:
        rows = tuple(Row(key, label, None) for key, label, _ in counts)
        return Table(name, title, rows, None)
    hidden = {key for key, _, n in counts if 0 < n < SMALLEST}
    others = sorted((n, key) for key, _, n in counts if n >= SMALLEST)
    while hidden and others and not _open(counts, hidden):
        hidden.add(others.pop(0)[1])
    shown = total if not hidden or _open(counts, hidden) else None
    rows = tuple(Row(key, label, None if key in hidden else n) for key, label, n in counts)
    return Table(name, title, rows, shown)


def _open(counts: list[tuple[str, str, int]], hidden: set[str]) -> bool:
    """Say whether the sum of the withheld counts leaves open what each of them is.

    Somebody who knows the sum also knows that a row withheld for its size is from 1 to 4: with as
    many as they have, a sum near its lowest or highest would give them away.
    """
    values = [n for key, _, n in counts if key in hidden]
    if len(values) < 2:
        return False
    small = [n for n in values if n < SMALLEST]
    if len(small) < len(values):
        return True
    return len(values) < sum(values) < (SMALLEST - 1) * len(values)


def share(part: int | None, rest: int | None) -> float | None:
    """Return part / (part + rest), or None when either is withheld or there is nothing."""
    if part is None or rest is None or part + rest == 0:
        return None
    return part / (part + rest)
