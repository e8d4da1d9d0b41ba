"""A back-test in words, as lines of text: the same for the terminal and for whoever copies it."""

from collections.abc import Iterable, Mapping

from openhaven.policy.backtest.figures import Agreement, Cell, Figures, Load, Pair
from openhaven.policy.backtest.model import REASONS, Backtest, Example
from openhaven.policy.shares import Share

_CHANGES = {"newly": "newly acted on", "no longer": "no longer acted on",
            "other": "with another outcome"}  # fmt: skip
_SAMPLE = 20


def told(test: Backtest, figures: Figures, examples: Iterable[Example]) -> list[str]:
    """Return what a back-test found, in lines."""
    against = "what happened" if test.against is None else "the other pack"
    days = max((test.until - test.since).total_seconds() / 86_400, 1 / 24)
    return [
        f"{test.label}: {figures.evaluated} of {figures.events} events from "
        f"{test.since:%Y-%m-%d %H:%M} to {test.until:%Y-%m-%d %H:%M} UTC, against {against}",
        *_cut_short(test),
        *_skipped(figures),
        *figures.notes,
        "",
        _sum_of_changes(figures),
        "",
        *_pairs("outcome", figures.outcomes),
        "",
        *_rules(figures),
        "",
        *_pairs("clause", figures.clauses),
        "",
        *_load(figures.load, days),
        *_agreement(figures.agreement),
        *_groups(figures.groups),
        *_examples(list(examples)),
    ]


def _cut_short(test: Backtest) -> list[str]:
    if test.state != "cancelled":
        return []
    return [f"It was cancelled after {test.done} of {test.total} events; this is what is known."]


def _skipped(figures: Figures) -> list[str]:
    return [
        f"  not evaluated: {figures.skipped[reason]} ({words})"
        for reason, words in REASONS.items()
        if figures.skipped.get(reason)
    ]


def _sum_of_changes(figures: Figures) -> str:
    if not figures.differences:
        return "No event would end otherwise."
    parts = [f"{figures.changes[name]} {words}" for name, words in _CHANGES.items()
             if figures.changes.get(name)]  # fmt: skip
    return f"{figures.differences} events would end otherwise: {', '.join(parts)}."


def _pairs(title: str, pairs: Mapping[str, Pair]) -> list[str]:
    rows = [(name, str(one.now), str(one.draft), f"{one.draft - one.now:+d}")
            for name, one in sorted(pairs.items())]  # fmt: skip
    return _table((title, "now", "draft", "change"), rows)


def _rules(figures: Figures) -> list[str]:
    rows = [
        (name, *map(str, (one.now, one.draft, one.newly, one.gone, one.shadow, one.unknown)))
        for name, one in sorted(figures.rules.items())
    ]
    return _table(("rule", "now", "draft", "new", "gone", "shadow", "unknown"), rows)


def _load(loads: Mapping[str, Load], days: float) -> list[str]:
    rows = []
    for queue, load in sorted(loads.items()):
        a_day = load.draft / days
        time = "not known yet" if load.minutes is None else f"{a_day * load.minutes:.0f} min"
        rows.append((queue, f"{load.now / days:.1f}", f"{a_day:.1f}", time))
    return _table(("queue", "tasks a day now", "draft", "work a day"), rows) if rows else []


def _agreement(agreement: Mapping[str, Agreement]) -> list[str]:
    if not any(one.judged for one in agreement.values()):
        return [
            "",
            "People have judged none of these events, so that there is nothing to agree with.",
        ]
    lines = [""]
    for name, one in agreement.items():
        lines.append(f"{name}: of {one.judged} events that people judged")
        lines.append(f"  acted on and found against a rule: {_share(one.precision)}")
        lines.append(f"  found against a rule and acted on: {_share(one.found)}")
    return lines


def _share(share: Share) -> str:
    if share.share is None or share.low is None or share.high is None:
        return "none to tell by"
    return (f"{share.hits} of {share.of} = {share.share:.0%} "
            f"(95 % interval {share.low:.0%} to {share.high:.0%})")  # fmt: skip


def _groups(groups: Mapping[str, Mapping[str, Cell]]) -> list[str]:
    lines = []
    for title, cells in groups.items():
        rows = [
            (name, *(("few" if n is None else str(n)) for n in (one.events, one.now, one.draft)),
             _rate(one))
            for name, one in sorted(cells.items())
        ]  # fmt: skip
        heads = (title.replace("_", " "), "events", "now", "draft", "share in the draft")
        lines += ["", *_table(heads, rows)]
    return lines


def _rate(cell: Cell) -> str:
    return "–" if not cell.events or cell.draft is None else f"{cell.draft / cell.events:.1%}"


def _examples(examples: list[Example]) -> list[str]:
    if not examples:
        return []
    lines = ["", "Some of them (a draw, not the first):"]
    for one in examples[:_SAMPLE]:
        name = f"{one.platform} {one.event}" if one.event else f"number {one.seq} (forgotten)"
        lines.append(f"  {name}: {one.was} → {one.would} ({', '.join(one.rules)})")
    return lines


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Return lines with columns; the first one stands left, numbers right."""
    every = [heads, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(heads))]
    return [
        "  ".join(cell.ljust(width) if at == 0 else cell.rjust(width)
                  for at, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in every
    ]  # fmt: skip
