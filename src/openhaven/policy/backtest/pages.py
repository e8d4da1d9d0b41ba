"""Back-tests in the console: start one, follow it, read what it found, cancel it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import leather
import msgspec

from openhaven import intake
from openhaven.core import Problem
from openhaven.policy import publishing
from openhaven.policy.backtest import actions, store
from openhaven.policy.backtest.choose import chosen
from openhaven.policy.backtest.figures import Figures, Pair
from openhaven.policy.backtest.model import REASONS, Backtest, Example, Wish
from openhaven.policy.shipped import shipped
from openhaven.storage import Tx
from openhaven.transparency.chart import HEIGHT, WIDTH, ticks_to
from openhaven.web import Answer, Call, live, page, see_other

BACKTESTS = "/console/rules/backtests"
_NOW, _DRAFT = "#b9b1a5", "#1d5b57"
_LABELS = 12
"""How many days have their names under the chart, so that these do not lie upon each other."""


def backtests(call: Call) -> Answer:
    """`GET /console/rules/backtests`: the latest ones, and the form that starts one."""
    return _list(call, form={"pack": call.query.get("pack", "")})


def start(call: Call) -> Answer:
    """`POST /console/rules/backtests`: let a pack be tried over a period."""
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            number = actions.start(tx, _wish(tx, form))
    except Problem as problem:
        return _list(call, problem, form)
    return see_other(f"{BACKTESTS}/{number}")


def backtest(call: Call) -> Answer:
    """`GET /console/rules/backtests/{id}`: how far it is, and what it found."""
    return _one(call)


def cancel(call: Call) -> Answer:
    """`POST /console/rules/backtests/{id}/cancel`: stop it within a second or two."""
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            actions.ask_cancel(tx, call.path["id"])
    except Problem as problem:
        return _one(call, problem)
    return see_other(f"{BACKTESTS}/{call.path['id']}")


def look(call: Call) -> Answer:
    """`POST /console/rules/backtests/{id}/look`: what the named events say; that is recorded."""
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            looks = actions.look_at(tx, call.path["id"])
    except Problem as problem:
        return _one(call, problem)
    return _one(call, looks=looks)


def stream(call: Call) -> Answer:
    """`GET /console/rules/backtests/{id}/stream`: a message whenever it has come further."""
    number, db = call.path["id"], call.haven.db
    with db.read() as tx:
        store.find(tx, number)

    def read() -> str:
        with db.read() as tx:
            row = store.find(tx, number)
            return f"{row.state} {row.done}"

    return live(call, f"backtest {number}", read)


def chart(call: Call) -> Answer:
    """`GET /console/rules/backtests/{id}/chart.svg`: events acted on by day, now and then."""
    with call.haven.db.read(call.now) as tx:
        found = store.find(tx, call.path["id"])
    if found.figures is None:
        raise Problem("backtest.open", "This back-test has no figures yet.", status=404)
    svg = drawn(acted_by_day(msgspec.convert(found.figures, Figures)))
    return Answer(200, svg.encode(), "image/svg+xml")


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
    made.add_dots(list(zip(names, [one.draft for one in pairs], strict=True)), name="draft",
                  fill_color=_DRAFT, radius=6)  # fmt: skip
    made.add_y_scale(0, ticks[-1])
    made.add_y_axis(ticks=ticks)
    return str(made.to_svg(width=WIDTH, height=HEIGHT))


def _wish(tx: Tx, form: Mapping[str, str]) -> Wish:
    platform = form.get("platform", "")
    against = form.get("against", "")
    last = _day(form.get("until", ""))
    return Wish(
        tried=chosen(tx, form.get("pack", "")),
        against=chosen(tx, "" if against == "now" else against) if against else None,
        since=_day(form.get("since", "")),
        until=min(last + timedelta(days=1), max(last, tx.now)),
        platform=intake.platform_named(tx, platform).id if platform else None,
        purpose=form.get("purpose", ""),
    )


def _day(text: str) -> datetime:
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        raise Problem("backtest.day", "A day is written like 2026-11-30.", text[:40],
                      next_step="Give the first and the last day.") from None  # fmt: skip
    return datetime(found.year, found.month, found.day, tzinfo=UTC)


def _list(
    call: Call, problem: Problem | None = None, form: Mapping[str, str] | None = None
) -> Answer:
    with call.haven.db.read(call.now) as tx:
        drafts = [one for one in publishing.drafts(tx) if one.tried and not one.tried.errors]
        platforms = [row["name"] for row in tx.rows("SELECT name FROM platforms ORDER BY name")]
        return page(
            call, "policy/backtests.html", problem.status if problem else 200, problem=problem,
            form=form or {}, rows=store.latest(tx), drafts=drafts, packs=sorted(shipped()),
            platforms=platforms, today=call.now.date(), **_frame(call, tx),
            week_ago=call.now.date() - timedelta(days=6),
        )  # fmt: skip


def _one(
    call: Call, problem: Problem | None = None, looks: list[actions.Look] | None = None
) -> Answer:
    with call.haven.db.read(call.now) as tx:
        found = store.find(tx, call.path["id"])
        figures = msgspec.convert(found.figures, Figures) if found.figures is not None else None
        return page(
            call, "policy/backtest.html", problem.status if problem else 200, problem=problem,
            test=found, figures=figures, examples=_examples(call, tx, found), reasons=REASONS,
            days=acted_by_day(figures) if figures else {}, looks=looks,
            length=max((found.until - found.since).total_seconds() / 86_400, 1 / 24),
            may_look=call.may("policy.draft") and call.may("queue.read"),
            who=publishing.names(tx, [found.started_by.removeprefix("staff:")]),
            draft=_draft_of(tx, found), **_frame(call, tx),
        )  # fmt: skip


def _examples(call: Call, tx: Tx, found: Backtest) -> list[Example]:
    """Return the events that it names, for those who may work with back-tests."""
    return store.examples(tx, found.id) if call.may("policy.draft") else []


def _draft_of(tx: Tx, found: Backtest) -> publishing.Draft | None:
    """Return the draft whose files were tried, as long as they are what it holds."""
    return next((one for one in publishing.drafts(tx, ended=True)
                 if one.fingerprint == found.pack), None)  # fmt: skip


def _frame(call: Call, tx: Tx) -> dict[str, Any]:
    return {
        "now": publishing.standing(tx),
        "pack": call.haven.packs.current,
        "open": len(publishing.drafts(tx)),
    }
