"""The one chart of the transparency page, drawn here as SVG; the table beside it says the same."""

from collections.abc import Sequence

import leather

from openhaven.transparency.model import Week

WIDTH, HEIGHT = 760, 280
_INK, _SOFT, _GRID, _COLUMN = "#26221d", "#5a5348", "#e4ddd0", "#1d5b57"

for _part in ("title", "axis_title", "tick", "legend"):
    setattr(leather.theme, f"{_part}_font_family", "system-ui, sans-serif")
leather.theme.background_color = "#ffffff"
leather.theme.label_color = _SOFT
leather.theme.tick_color = _GRID
leather.theme.zero_color = _SOFT
leather.theme.title_color = _INK
leather.theme.axis_title_color = _SOFT
leather.theme.tick_font_size = 13


def weekly(weeks: Sequence[Week]) -> str:
    """Return a column chart of the decisions of each week; a withheld week has no column."""
    points = [(f"{week.first.day} {week.first:%b}", week.n or 0) for week in weeks]
    top = max([n for _, n in points] or [0])
    chart = leather.Chart()
    chart.add_columns(points, fill_color=_COLUMN)
    ticks = ticks_to(max(top, 4))
    chart.add_y_scale(0, ticks[-1])
    chart.add_y_axis(ticks=ticks)
    return str(chart.to_svg(width=WIDTH, height=HEIGHT))


def ticks_to(top: int) -> list[int]:
    """Return four to six round numbers from 0 to at least `top`."""
    unit = 1
    while top > 5 * unit:
        unit = unit * 5 // 2 if str(unit)[0] == "2" else unit * 2
    return list(range(0, top + unit, unit))
