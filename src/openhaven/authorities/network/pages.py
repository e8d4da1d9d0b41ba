"""The network of a case in the console: what ties its account to others. Thin."""

from typing import Any

from markupsafe import Markup

from openhaven.authorities import network
from openhaven.authorities.network.drawing import draw, drawn
from openhaven.authorities.network.model import KEPT, LOOKED_BACK, SHARED
from openhaven.core import Problem
from openhaven.review import lane
from openhaven.storage import Tx
from openhaven.web import Answer, Call, page, see_other


def show(call: Call) -> Answer:
    """`GET /console/cases/{id}/network`: the accounts tied to a case, as a picture and a table."""
    return _show(call)


def _show(call: Call, problem: Problem | None = None) -> Answer:
    case = call.path["id"]
    with call.haven.db.read(call.now) as tx:
        back, values = _back(tx, case), _values(tx, case)
    return page(call, "authorities/network.html", problem.status if problem else 200, case=case,
                back=back, problem=problem, form=call.form() if problem else {}, shared=SHARED,
                days=LOOKED_BACK.days, kept=KEPT.days, **values)  # fmt: skip


def _values(tx: Tx, case: str) -> dict[str, Any]:
    found, living = network.view(tx, case), network.living(tx, case)
    asked = [one for one in network.looks(tx, case) if living and one.network == living.id]
    named = network.namings(tx, living.id) if living else {}
    return {
        "view": found,
        "picture": Markup(draw(found)),  # noqa: S704 (each word in it is escaped)
        "drawn": drawn(found) - 1,
        "living": living,
        "asked": asked,
        "named": named,
        "looking": [one for one in asked if one.state == "looking"],
        "from_there": {one.origin: one for one in asked if one.state not in ("refused", "ended")},
    }


def _back(tx: Tx, case: str) -> str:
    """Return the page of a case: that of the lane, or that of its latest task."""
    if not tx.value("SELECT 1 FROM cases WHERE id = %(c)s", c=case):
        raise Problem("case.unknown", "There is no such case.", status=404)
    if lane.in_lane(tx, case):
        return f"/console/lane/{case}"
    sql = "SELECT id FROM tasks WHERE case_id = %(c)s ORDER BY opened_at DESC, id DESC LIMIT 1"
    task = tx.value(sql, c=case)
    return f"/console/tasks/{task}" if task else "/console"


def look(call: Call) -> Answer:
    """`POST /console/cases/{id}/network`: look for the accounts that are one step away."""
    return _done(call, lambda tx, case: network.look(tx, case))


def further(call: Call) -> Answer:
    """`POST /console/cases/{id}/network/further`: look one step further from one of them."""
    form = call.form()
    number, reason = _number(form.get("number", "")), form.get("reason", "")
    return _done(call, lambda tx, case: network.further(tx, case, number, reason))


def name(call: Call) -> Answer:
    """`POST /console/cases/{id}/network/name`: show an account by its name."""
    form = call.form()
    number, reason = _number(form.get("number", "")), form.get("reason", "")
    return _done(call, lambda tx, case: network.name(tx, case, number, reason))


def keep(call: Call) -> Answer:
    """`POST /console/cases/{id}/network/keep`: seal it as evidence, as it is shown now."""
    return _done(call, lambda tx, case: network.keep(call.haven.vault, tx, case), "?kept=1")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1


def _done(call: Call, verb: Any, then: str = "") -> Answer:
    case = call.path["id"]
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            verb(tx, case)
    except Problem as problem:
        return _show(call, problem)
    return see_other(f"/console/cases/{case}/network{then}")
