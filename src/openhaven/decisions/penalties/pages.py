"""What waits for a second person, for staff. Thin."""

from openhaven.core import Problem
from openhaven.decisions import penalties, strikes
from openhaven.decisions.store import decision
from openhaven.decisions.views import title
from openhaven.policy import clause_as_it_stood
from openhaven.storage import Tx
from openhaven.web import Answer, Call, page, see_other


def second(call: Call) -> Answer:
    """`GET /console/second`: accounts that somebody wants to end, and strikes that wait."""
    return _second(call)


def _second(call: Call, problem: Problem | None = None, about: str = "") -> Answer:
    with call.haven.db.read(call.now) as tx:
        asked = [(one, clause_as_it_stood(tx, one.pack, one.clause))
                 for one in penalties.waiting(tx)]  # fmt: skip
        waits = [(one, _what(tx, one.decision)) for one in strikes.waiting(tx)]
    return page(call, "decisions/second.html", problem.status if problem else 200, asked=asked,
                waits=waits, title_of=title, problem=problem, about=about)  # fmt: skip


def _what(tx: Tx, made: str) -> str:
    found = decision(tx, made)
    return title(found.harm, found.clause_title)


def agree(call: Call) -> Answer:
    """`POST /console/second/{id}/agree`: agree that the account is ended for good."""
    return _answered(call, agrees=True)


def refuse(call: Call) -> Answer:
    """`POST /console/second/{id}/refuse`: disagree, with a reason."""
    return _answered(call, agrees=False)


def _answered(call: Call, *, agrees: bool) -> Answer:
    approval, reason = call.path["id"], call.form().get("reason", "")
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            if agrees:
                penalties.approve(tx, approval)
            else:
                penalties.refuse(tx, approval, reason)
    except Problem as problem:
        return _second(call, problem, approval)
    return see_other("/console/second")
