"""No small count can be read from the published tables, nor worked out from them."""

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from openhaven.transparency import Figures, Row, Table, withhold
from openhaven.transparency.chart import weekly
from openhaven.transparency.export import as_csv
from openhaven.transparency.model import SMALLEST, Week, share


def shown(counts: Sequence[int]) -> Table:
    return withhold("t", "T", [(str(place), "", n) for place, n in enumerate(counts)])


@given(counts=st.lists(st.integers(0, 10_000), max_size=12))
def test_no_small_count_is_shown(counts: list[int]) -> None:
    table = shown(counts)
    assert not any(row.n in range(1, SMALLEST) for row in table.rows)
    assert table.total not in range(1, SMALLEST)


@given(counts=st.lists(st.integers(0, 10_000), max_size=12))
def test_what_is_shown_is_true(counts: list[int]) -> None:
    table = shown(counts)
    assert table.total in (None, sum(counts))
    assert all(row.n in (None, counts[int(row.key)]) for row in table.rows)


def test_a_small_count_cannot_be_worked_out_even_by_who_knows_the_rule() -> None:
    """Of every table with up to four rows: another one that looks the same has another count."""
    for rows in range(1, 5):
        alike: dict[Table, list[tuple[int, ...]]] = defaultdict(list)
        for counts in product(range(10), repeat=rows):
            alike[shown(counts)].append(counts)
        for table, stories in alike.items():
            for place in range(rows):
                told = {story[place] for story in stories}
                assert len(told) > 1 or told.isdisjoint(range(1, SMALLEST)), (table, stories)


@given(counts=st.lists(st.integers(SMALLEST, 10_000), min_size=1, max_size=12))
def test_large_counts_are_all_shown(counts: list[int]) -> None:
    assert [row.n for row in shown(counts).rows] == counts


def test_a_share_is_withheld_with_its_parts() -> None:
    assert share(1, None) is None
    assert share(0, 0) is None
    assert share(5, 15) == 0.25


def figures(label: str = "Bullying") -> Figures:
    weeks = tuple(Week(date(2026, 9, 7), n) for n in (None, 0, 9))
    table = Table("clause", "Clause", (Row("a/b", label, None), Row("c/d", "Spam", 7)), 9)
    return Figures(service="S", since=None, until=datetime(2026, 11, 21, tzinfo=UTC), weeks=weeks,
                   tables=(table,), orders=0, median_hours=0.5, median_report_hours=None,
                   overturned_share=None)  # fmt: skip


def test_the_csv_says_what_is_withheld_and_starts_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(figures("=cmd|' /C calc'!A0")))))
    assert rows[0] == {"table": "clause", "key": "a/b", "label": "'=cmd|' /C calc'!A0",
                       "value": "", "withheld": "yes"}  # fmt: skip
    assert {"table": "orders", "key": "total", "value": "0", "withheld": "no"}.items() <= (
        next(row for row in rows if row["table"] == "orders").items()
    )


@given(counts=st.lists(st.none() | st.integers(0, 10**7), min_size=1, max_size=12))
def test_the_chart_can_always_be_drawn(counts: list[int | None]) -> None:
    assert weekly([Week(date(2026, 9, 7), n) for n in counts]).startswith("<svg")
