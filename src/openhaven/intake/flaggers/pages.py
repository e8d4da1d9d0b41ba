"""Trusted flaggers in the console: who they are, how often they were right, their keys. Thin."""

from openhaven import intake
from openhaven.core import HARMS, Problem
from openhaven.intake.flaggers import flaggers, issue
from openhaven.web import Answer, Call, page, see_other


def show(call: Call) -> Answer:
    """`GET /console/flaggers`: all of them, and a form for another one."""
    return _page(call)


def _page(call: Call, problem: Problem | None = None, key: str = "") -> Answer:
    with call.haven.db.read(call.now) as tx:
        values = {"flaggers": flaggers(tx), "platforms": intake.platform_names(tx)}
    form = call.form() if problem else None
    status = problem.status if problem else 201 if key else 200
    return page(call, "intake/flaggers.html", status, **values, harms=HARMS, problem=problem,
                key=key, given=form or {},
                chosen=form.all("harm") if form is not None else ())  # fmt: skip


def add(call: Call) -> Answer:
    """`POST /console/flaggers`: give one a key, which is shown only this once."""
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            platform = intake.platform_named(tx, form.get("platform", ""))
            key = issue(tx, form.get("name", ""), platform, form.all("harm"))
    except Problem as problem:
        return _page(call, problem)
    return _page(call, key=key)


def revoke(call: Call) -> Answer:
    """`POST /console/flaggers/{name}/revoke`: take a key back; it stops working within a second."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        if not any(one.name == call.path["name"] for one in flaggers(tx)):
            raise Problem("key.unknown", "There is no such trusted flagger.", status=404)
        intake.revoke_key(tx, call.path["name"])
    return see_other("/console/flaggers")
