"""Back-tests in the console: start one, follow it, read what it found, cancel it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from openhaven import intake
from openhaven.core import Problem
from openhaven.policy import publishing
from openhaven.policy.backtest import actions, looking, store
from openhaven.policy.backtest.chart_views import acted_by_day, drawn
from openhaven.policy.backtest.choose import chosen
from openhaven.policy.backtest.figures import Figures
from openhaven.policy.backtest.model import REASONS, Backtest, Example, Wish
from openhaven.policy.shipped import shipped
from openhaven.storage import Tx
from openhaven.web import Answer, Call, live, page, see_other

BACKTESTS = "/console/rules/backtests"


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
            looks = looking.look_at(tx, call.path["id"])
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
    call: Call, problem: Problem | None = None, looks: list[looking.Look] | None = None
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
