"""Pages of re-registration: for the newcomer, for who answers, for who keeps it. Thin."""

from typing import Any

from openhaven.core import HARMS, Problem
from openhaven.exchange.returning import contests, figures, lists, odds, store
from openhaven.exchange.returning.model import setting
from openhaven.intake import platform_named
from openhaven.policy.shares import wilson
from openhaven.review import lane
from openhaven.storage import Tx
from openhaven.web import Answer, Call, page, see_other

BASE = "/console/returning"


# For people -----------------------------------------------------------------------------------


def newcomer(call: Call) -> Answer:
    """`GET /returning/{token}`: what a newcomer reads who was met, and where to say it is wrong."""
    return _newcomer(call)


def contest(call: Call) -> Answer:
    """`POST /returning/{token}`: say that it is somebody else."""
    text = call.form().get("text", "")
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            contests.contest(tx, contests.sighting_of_token(tx, call.path["token"]), text)
    except Problem as problem:
        if problem.status == 404:
            raise
        return _newcomer(call, problem, text)
    return see_other(f"/returning/{call.path['token']}")


def _newcomer(call: Call, problem: Problem | None = None, text: str = "") -> Answer:
    with call.haven.db.read(call.now) as tx:
        met = contests.sighting_of_token(tx, call.path["token"])
        said = contests.contests_of(tx, met.id)
        standing = bool(store.hits_of(tx, met.id))
    return page(call, "exchange/newcomer.html", problem.status if problem else 200, met=met,
                said=said[0] if said else None, more=len(said) < contests.MOST, problem=problem,
                text=text, standing=standing)  # fmt: skip


# For who answers ------------------------------------------------------------------------------


def waiting(call: Call) -> Answer:
    """`GET /console/returning/contests`: those who say that they are somebody else."""
    with call.haven.db.read(call.now) as tx:
        return page(call, "exchange/contests.html", contests=contests.open_contests(tx))


def matter(call: Call) -> Answer:
    """`GET /console/returning/contests/{id}`: one of them, with what was met."""
    return _matter(call)


def answer(call: Call) -> Answer:
    """`POST /console/returning/contests/{id}`: say whether it is somebody else, and why."""
    form = call.form()
    said, reasons = form.get("said", ""), form.get("reasons", "")
    try:
        if said not in ("else", "same"):
            raise Problem("returning.said", "Choose one of the two.",
                          next_step="In doubt it is somebody else.")  # fmt: skip
        with call.haven.db.begin(call.actor, call.now) as tx:
            contests.decide(tx, call.path["id"], reasons, somebody_else=said == "else")
    except Problem as problem:
        if problem.status == 404:
            raise
        return _matter(call, problem, said, reasons)
    return see_other(f"{BASE}/contests")


def _matter(call: Call, problem: Problem | None = None, said: str = "", why: str = "") -> Answer:
    with call.haven.db.read(call.now) as tx:
        found = contests.contest_of(tx, call.path["id"])
        values = _met(call, tx, store.sighting(tx, found.sighting))
        values["before"] = [one for one in contests.contests_of(tx, found.sighting)
                            if one.id != found.id]  # fmt: skip
    return page(call, "exchange/contest.html", problem.status if problem else 200, contest=found,
                problem=problem, said=said, reasons=why, **values)  # fmt: skip


def of_task(call: Call) -> Answer:
    """`GET /console/returning/tasks/{id}`: what a newcomer met whom a task is about."""
    with call.haven.db.read(call.now) as tx:
        if not call.may("lane.work") and lane.is_closed(tx, [call.path["id"]]):
            raise lane.closed()
        met = store.sighting_of_task(tx, call.path["id"])
        if met is None:
            raise Problem("returning.task", "This task is not about somebody who came back.",
                          status=404, next_step="Go back to the task.")  # fmt: skip
        values = _met(call, tx, met)
    return page(call, "exchange/met.html", task=call.path["id"], **values)


def _met(call: Call, tx: Tx, met: store.Sighting | None) -> dict[str, Any]:
    """Return what is shown of a match: families and class, never an identifier or a name.

    That a child was hurt is for specialists; to others it is a grave harm.
    """
    hits = store.hits_of(tx, met.id) if met else []
    data = setting()
    entries = {
        entry: {
            "harm": "Grave harm" if one.harm in lane.HARMS and not call.may("lane.work")
            else HARMS[one.harm].words,
            "listed": one.listed, "doubted": one.doubted,
            "families": sorted({data.families[hit.family].words for hit in hits
                                if hit.entry == entry and not hit.shared}),
        }
        for entry, one in {hit.entry: hit for hit in hits}.items()
    }  # fmt: skip
    return {"met": met, "entries": list(entries.values()), "counts": figures.judged(tx),
            "platform": platform_named(tx, met.platform) if met else None}  # fmt: skip


# For who keeps it -----------------------------------------------------------------------------


def overview(call: Call) -> Answer:
    """`GET /console/returning`: what is kept, what came of it, and whom a setting would hit."""
    with call.haven.db.read(call.now) as tx:
        found = figures.counts(tx)
    asked = _asked(call, found)
    return page(call, "exchange/returning.html", counts=found, asked=asked, data=setting(),
                odds=odds.odds(asked, setting()), harms=HARMS, most=call.haven.settings.returning,
                measured=wilson(found.wrong, found.right + found.wrong),
                query=_query(asked))  # fmt: skip


def picture(call: Call) -> Answer:
    """`GET /console/returning/odds.svg`: the same as a picture."""
    with call.haven.db.read(call.now) as tx:
        asked = _asked(call, figures.counts(tx))
    return Answer(200, odds.drawn(odds.odds(asked, setting())).encode(), "image/svg+xml")


def _asked(call: Call, found: figures.Counts) -> odds.Asked:
    """Return what was asked for; what was not, is what was measured, or a round number."""
    return odds.Asked(
        _whole(call, "newcomers", found.newcomers or 1_000, 100_000_000),
        _whole(call, "ended", found.ended or 100, 10_000_000),
        _whole(call, "again", 10, 100) / 100,
        _whole(call, "home", 5, 100) / 100,
    )  # fmt: skip


def _whole(call: Call, name: str, usual: int, most: int) -> int:
    given = call.query.get(name, "").strip()
    right = given.isascii() and given.isdigit() and len(given) <= len(str(most))
    return min(int(given), most) if right else usual


def _query(asked: odds.Asked) -> str:
    return (f"newcomers={asked.newcomers}&ended={asked.ended}&again={round(asked.again * 100)}"
            f"&home={round(asked.home * 100)}")  # fmt: skip


# Lists ----------------------------------------------------------------------------------------


def all_lists(call: Call) -> Answer:
    """`GET /console/returning/lists`: agreements with other operators, lists that came or went."""
    return _lists(call)


def _lists(
    call: Call, problem: Problem | None = None, report: lists.Report | None = None
) -> Answer:  # fmt: skip
    with call.haven.db.read(call.now) as tx:
        return page(call, "exchange/lists.html", problem.status if problem else 200,
                    agreements=lists.agreements(tx), lists=lists.lists(tx), problem=problem,
                    report=report, reasons=lists.REASONS)  # fmt: skip


def take_in(call: Call) -> Answer:
    """`POST /console/returning/lists`: check a list that another operator sent."""
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            data = call.files.get("file", b"")
            report = lists.ask_import(tx, form.get("agreement", ""), data)
    except Problem as problem:
        return _lists(call, problem)
    return _lists(call, report=report)


def give_out(call: Call) -> Answer:
    """`POST /console/returning/lists/export`: ask a second person whether our list may go."""
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            lists.ask_export(tx, call.form().get("agreement", ""))
    except Problem as problem:
        return _lists(call, problem)
    return see_other(f"{BASE}/lists")


def download(call: Call) -> Answer:
    """`POST /console/returning/lists/{id}/file`: our signed list, once two people agreed."""
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            body = lists.export(tx, call.path["id"])
    except Problem as problem:
        if problem.status == 404:
            raise
        return _lists(call, problem)
    named = {"content-disposition": 'attachment; filename="returning.json"'}
    return Answer(200, body, "application/json", named)
