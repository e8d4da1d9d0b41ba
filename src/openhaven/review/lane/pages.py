"""The lane in the console: its cases, one of them with its clock, checklist and evidence. Thin."""

from collections.abc import Mapping
from typing import Any

from openhaven import authorities, decisions, evidence
from openhaven.authorities import duties
from openhaven.core import Problem
from openhaven.decisions import views
from openhaven.evidence import opening
from openhaven.evidence.store import officers
from openhaven.review import lane
from openhaven.review.pages import task_page
from openhaven.staff import approvals, members
from openhaven.storage import Tx
from openhaven.web import Answer, Call, page, see_other


def suspect(call: Call) -> Answer:
    """`POST /console/tasks/{id}/suspect`: leave my task to specialists and hide its item."""
    task = call.path["id"]
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            lane.suspect(tx, task)
    except Problem as problem:
        return task_page(call, task, problem, call.form())
    return see_other(f"/console/tasks/{task}" if call.may("lane.work") else "/console?suspected=1")


def board(call: Call) -> Answer:
    """`GET /console/lane`: the cases, with the clocks of the duties to report them."""
    with call.haven.db.read(call.now) as tx:
        found = lane.cases(tx)
        due = {one.case_id: one for one in reversed(duties.listed(tx))}
        return page(call, "review/lane.html", cases=found, due=due,
                    established=call.haven.settings.authorities.established)  # fmt: skip


def case(call: Call) -> Answer:
    """`GET /console/lane/{id}`: one case: clock, checklist, evidence, custody, holds, duties."""
    return _case(call)


def _case(
    call: Call, problem: Problem | None = None, form: Mapping[str, str] | None = None
) -> Answer:
    with call.haven.db.read(call.now) as tx:
        values = _all_of(tx, lane.case(tx, call.path["id"]))
    return page(call, "review/lane_case.html", problem.status if problem else 200, **values,
                problem=problem, form=form or {})  # fmt: skip


def _all_of(tx: Tx, found: lane.Case) -> dict[str, Any]:
    items = evidence.items(tx, found.id)
    told = duties.listed(tx, case=found.id, ended=True)
    withheld = decisions.withholding.withheld(tx, found.id)
    names = {f"staff:{one.id}": one.name for one in members(tx)}
    made = views.of_case(tx, found.id)
    return {
        "case": found,
        "items": items,
        "viewing": evidence.viewing_facts(tx, items),
        "custody": evidence.custody_of_case(tx, found.id),
        "holds": evidence.holds(tx, found.id),
        "grounds": evidence.GROUNDS,
        "duties": told,
        "withheld": withheld,
        "names": names,
        "decisions": made,
        "opening": {one.id: _opening(tx, one.id) for one in items},
        "officers": officers(tx),
        "steps": _steps(found, told, made, withheld),
        "states": authorities.duties.STATES,
    }


def _opening(tx: Tx, item: str) -> str:
    """Return whether an item may be opened: `agreed`, `waiting`, or that nobody was asked."""
    if opening.agreed(tx, item):
        return "agreed"
    return "waiting" if approvals.state_of(tx, opening.KIND, item) == "waiting" else ""


def _steps(
    found: lane.Case, told: list[duties.Duty], made: list[views.Line], withheld: Any
) -> list[tuple[str, bool]]:
    """Return the checklist: what has to be done in such a case, and whether it was."""
    open_duties = [one for one in told if one.state == "open"]
    return [
        (
            "Hidden on the platform" if found.item else "Held: it is about an account",
            found.quarantined_at is not None,
        ),
        ("Sealed copy made and held", found.sealed_at is not None),
        ("Looked at and decided by a specialist", bool(made) and found.task_state == "done"),
        ("Every authority told, or a reason given why not", bool(told) and not open_duties),
        ("The person told", bool(made) and withheld.until is None),
    ]


def withhold(call: Call) -> Answer:
    """`POST /console/lane/{id}/withhold`: ask a second person to tell the person later."""
    case_id, form = call.path["id"], call.form()
    days = form.get("days", "")
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            plain = days.isascii() and days.isdigit() and len(days) <= 3
            decisions.withholding.ask_longer(
                tx, case_id, int(days) if plain else 0, form.get("reason", "")
            )
    except Problem as problem:
        return _case(call, problem, form)
    return see_other(f"/console/lane/{case_id}")


def hold(call: Call) -> Answer:
    """`POST /console/lane/{id}/hold`: keep the evidence of a case by a further ground."""
    case_id, form = call.path["id"], call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            evidence.hold(tx, case_id, form.get("ground", ""), reference=form.get("reference", ""))
    except Problem as problem:
        return _case(call, problem, form)
    return see_other(f"/console/lane/{case_id}")
