"""Counting what authorities were told of exploited children; small numbers are withheld."""

from openhaven.authorities import counted, median_hours
from openhaven.core.words import mark
from openhaven.storage import Tx
from openhaven.transparency.model import SMALLEST, Table, withhold

_AUTHORITIES = {
    "ncmec": mark("NCMEC (United States)"),
    "nca": mark("National Crime Agency (United Kingdom)"),
    "police-eu": mark("Police (European Union)"),
    "hotline": mark("Hotlines"),
}
_PRIORITIES = {
    "1": mark("A child may be in danger now"),
    "2": mark("Serious"),
    "3": mark("Everything else"),
    "none": mark("Not said"),
}
_AFTER = {
    "supplemented": mark("Supplemented later"),
    "withdrawn": mark("Taken back before it arrived"),
}
_NO_REPORT = {
    "no_exploitation": mark("It shows and says no sexual exploitation"),
    "no_child": mark("It is about no child"),
    "told_elsewhere": mark("The authority knows of it in another way"),
    "no_law": mark("The law does not ask for a report"),
    "mistake": mark("It was taken for something else"),
    "other": mark("Another reason"),
}
_TABLES = (
    ("authority", mark("Reports of exploited children, by authority"), _AUTHORITIES),
    ("priority", mark("How urgent these reports were"), _PRIORITIES),
    ("after", mark("What came after such a report"), _AFTER),
    ("no_report", mark("Why nothing was reported, where two people agreed"), _NO_REPORT),
)


def tables(tx: Tx) -> tuple[Table, ...]:
    """Return the tables of reports: by authority and urgency, what followed, and why none."""
    return tuple(_table(tx, what, title, labels) for what, title, labels in _TABLES)


def _table(tx: Tx, what: str, title: str, labels: dict[str, str]) -> Table:
    found = counted(tx, what)
    rows = [(key, label, found.get(key, 0)) for key, label in labels.items()]
    return withhold(f"filings_{what}", title, rows)


def median(tx: Tx) -> float | None:
    """Return the median time from a duty to its report in hours; None for fewer than five."""
    return median_hours(tx, SMALLEST)
