"""The chart of a back-test, drawn here as SVG; the table beside it says the same."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from xml.etree.ElementTree import Element

import leather

from openhaven.policy.backtest.figures import Figures, Pair
from openhaven.transparency.chart import HEIGHT, WIDTH, ticks_to

_NOW, _DRAFT = "#b9b1a5", "#1d5b57"
_LABELS = 12
"""How many days have their names under the chart, so that these do not lie upon each other."""
_RADIUS = 7


class _Dots(leather.Columns):  # type: ignore[misc]
    """A dot in the middle of where a column would stand."""

    def to_svg(
        self, width: float, height: float, x_scale: Any, y_scale: Any, series: Any, _: Any
    ) -> Element:
        """Return the dots; the arguments are those of every shape of this library."""
        group = Element("g", {"class": "series dots"})
        for one in series.data():
            left, right = x_scale.project_interval(one.x, 0, width)
            place = {"cx": str((left + right) / 2), "cy": str(y_scale.project(one.y, height, 0))}
            group.append(Element("circle", {**place, "r": str(_RADIUS), "fill": _DRAFT,
                                            "stroke": "#ffffff", "stroke-width": "2"}))  # fmt: skip
        return group


def acted_by_day(figures: Figures) -> dict[date, Pair]:
    """Return for each day how many events were acted on, and how many would be."""
    return {
        date.fromisoformat(name): Pair(
            sum(pair.now for outcome, pair in outcomes.items() if outcome != "allow"),
            sum(pair.draft for outcome, pair in outcomes.items() if outcome != "allow"),
        )
        for name, outcomes in sorted(figures.days.items())
    }


def drawn(days: Mapping[date, Pair]) -> str:
    """Return a chart as SVG: columns for what happened, dots for what the draft would do."""
    every = max(1, -(-len(days) // _LABELS))
    # A day without its name is told from the others by how many invisible spaces it has.
    names = [f"{day.day} {day:%b}" if n % every == 0 else "\u200b" * (n + 1)
             for n, day in enumerate(days)]  # fmt: skip
    pairs = list(days.values())
    ticks = ticks_to(max([4, *(max(one.now, one.draft) for one in pairs)]))
    made = leather.Chart()
    made.add_columns(list(zip(names, [one.now for one in pairs], strict=True)), name="now",
                     fill_color=_NOW)  # fmt: skip
    would = leather.Series(list(zip(names, [one.draft for one in pairs], strict=True)),
                           name="draft")  # fmt: skip
    made.add_series(would, _Dots(fill_color=_DRAFT))
    made.add_y_scale(0, ticks[-1])
    made.add_y_axis(ticks=ticks)
    return str(made.to_svg(width=WIDTH, height=HEIGHT))
