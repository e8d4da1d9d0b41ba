"""The figures as files: JSON as they are, and one CSV (RFC 4180) with a line for each number."""

import io
from collections.abc import Iterator

from openhaven.core.sheets import Sheet
from openhaven.transparency.model import Figures, Rules

_Line = tuple[str, str, str, str, str]


def as_csv(found: Figures) -> str:
    """Return the figures as CSV: table, key, label, value, and whether it is withheld.

    A withheld value is empty. Text that a spreadsheet would take for a formula gets an apostrophe.
    """
    out = io.StringIO(newline="")
    sheet = Sheet(out)
    sheet.line(("table", "key", "label", "value", "withheld"))
    sheet.lines(_lines(found))
    return out.getvalue()


def _lines(found: Figures) -> Iterator[_Line]:
    for table in found.tables:
        for row in table.rows:
            yield table.name, row.key, row.label, *_value(row.n)
        yield table.name, "total", "Total", *_value(table.total)
    for week in found.weeks:
        yield "week", week.first.isoformat(), "Decisions in the week from this day", *_value(week.n)
    yield "orders", "total", "Decisions ordered by an authority", *_value(found.orders)
    for key, label, n in (
        ("median_hours", "Median hours to a decision", found.median_hours),
        ("median_report_hours", "Median hours from a report", found.median_report_hours),
        (
            "median_filing_hours",
            "Median hours to a report of an exploited child",
            found.median_filing_hours,
        ),
        ("overturned_share", "Share of decided appeals upheld", found.overturned_share),
    ):
        yield "measures", key, label, "" if n is None else f"{n:.4f}", "no"
    for one in found.flaggers:
        yield "flaggers", one.name, "Decided reports", *_value(one.decided)
        said = "" if one.precision is None else f"{one.precision:.4f}"
        yield "flaggers", one.name, "Share that led to something", said, "no"
    yield (
        "not_independent",
        "total",
        "Decided without an independent person",
        *_value(found.not_independent),
    )
    yield "requests", "accounts", "Accounts given", *_value(found.requests.accounts)
    yield "requests", "told_later", "People told later", *_value(found.requests.told_later)
    median = found.requests.median_hours
    said = "" if median is None else f"{median:.4f}"
    yield "requests", "median_hours", "Median hours to an answer", said, "no"
    if found.rules is not None:
        yield from _rules(found.rules)


def _rules(rules: Rules) -> Iterator[_Line]:
    for key, label, value in (
        ("in_force", "The rules in force", f"{rules.name} {rules.version}"),
        ("fingerprint", "Their fingerprint", rules.fingerprint),
        ("since", "In force since", rules.since.isoformat(timespec="seconds")),
        ("by_two", "Changes that a second person approved", str(rules.by_two)),
        ("alone", "Changes without a second person", str(rules.alone)),
        ("taken_back", "Changes taken back", str(rules.taken_back)),
    ):
        yield "rules", key, label, value, "no"


def _value(n: int | None) -> tuple[str, str]:
    return ("", "yes") if n is None else (str(n), "no")
