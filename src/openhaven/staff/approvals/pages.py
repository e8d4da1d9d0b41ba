"""What waits for a second person, for staff. Thin."""

from collections.abc import Callable

from openhaven.authorities.requests import approving
from openhaven.authorities.requests import telling as request_words
from openhaven.authorities.requests.contacts import follow as follow_contacts
from openhaven.authorities.requests.narrowing import follow as follow_requests
from openhaven.core import Problem, permits
from openhaven.decisions import Voice, copies, exceptions, penalties, strikes
from openhaven.decisions.store import decision
from openhaven.decisions.views import title
from openhaven.policy import clause_as_it_stood
from openhaven.review import lane
from openhaven.staff import approvals
from openhaven.staff.approvals import KINDS, Approval
from openhaven.storage import Tx
from openhaven.web import Answer, Call, page, see_other

# What is shown of a matter besides the reason: words and text; and its page.
Told = tuple[list[tuple[str, str]], str]


def _termination(tx: Tx, one: Approval) -> Told:
    found = penalties.asked(tx, one.matter)
    if found is None:
        return [], ""
    clause = clause_as_it_stood(tx, found.pack, found.clause)
    told = [("Account", f"{found.account} on {found.platform}"),
            ("Kind", title(found.harm, clause.title)),
            ("Clause", f"{clause.title}: {clause.text}")]  # fmt: skip
    return told, f"/console/tasks/{found.task}"


def _later(tx: Tx, one: Approval) -> Told:
    found = exceptions.exempt(tx, one.matter)
    if found is None:
        return [], ""
    told = [("Decision", _what(tx, found.decision)),
            ("Tell the person", f"on {found.until:%d %B %Y, %H:%M} UTC")]  # fmt: skip
    return told, f"/console/decisions/{found.decision}"


# What a room has to add to what its kind says of itself, and what it does once it was answered.
_TOLD: dict[str, Callable[[Tx, Approval], Told]] = {
    "termination": _termination,
    "notice-exception": _later,
    "request-disclosure": approving.disclosure,
    "request-delay": approving.delay,
}
_FOLLOW: dict[str, Callable[[Tx, Voice], object]] = {
    "termination": lambda tx, _: penalties.follow(tx),
    "notice-exception": lambda tx, _: exceptions.follow(tx),
    "bulk": copies.follow,
    "request-disclosure": lambda tx, _: follow_requests(tx),
    "request-delay": lambda tx, _: request_words.settle(tx),
    "authority-contact": lambda tx, _: follow_contacts(tx),
}


def second(call: Call) -> Answer:
    """`GET /console/second`: all that takes two people and waits, and strikes that wait."""
    return _second(call)


def _second(call: Call, problem: Problem | None = None, about: str = "") -> Answer:
    with call.haven.db.read(call.now) as tx:
        asked = [(one, *_told(tx, one)) for one in approvals.waiting(tx)
                 if _open(call, tx, one.id) and _may_know(call, one)]  # fmt: skip
        waits = [(one, _what(tx, one.decision)) for one in strikes.waiting(tx)
                 if _open(call, tx, one.decision)]  # fmt: skip
    return page(call, "staff/second.html", problem.status if problem else 200, asked=asked,
                waits=waits, kinds=KINDS, problem=problem, about=about,
                may_answer=lambda one: _may_answer(call, one))  # fmt: skip


def _open(call: Call, tx: Tx, thing: str) -> bool:
    """Say whether who looks may see a matter: what is in the lane is for specialists alone."""
    return call.may("lane.work") or not lane.is_closed(tx, [thing])


def _may_know(call: Call, one: Approval) -> bool:
    """Say whether who looks may know of it at all, and not only that they may not answer it.

    What authorities ask, and what is asked about children's safety, is for who may answer it.
    """
    wanted = KINDS[one.kind].permission
    return wanted not in ("requests.handle", "safety.second") or call.may(wanted)


def _may_answer(call: Call, one: Approval) -> bool:
    return permits(call.actor.roles, KINDS[one.kind].permission)


def _told(tx: Tx, one: Approval) -> Told:
    if one.kind in _TOLD:
        return _TOLD[one.kind](tx, one)
    return [("Matter", one.matter)], one.where


def _what(tx: Tx, made: str) -> str:
    found = decision(tx, made)
    return title(found.harm, found.clause_title)


def agree(call: Call) -> Answer:
    """`POST /console/second/{id}/agree`: agree as a second person."""
    return _answered(call, agrees=True)


def refuse(call: Call) -> Answer:
    """`POST /console/second/{id}/refuse`: disagree, with a reason."""
    return _answered(call, agrees=False)


def _answered(call: Call, *, agrees: bool) -> Answer:
    approval, reason = call.path["id"], call.form().get("reason", "")
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            if not _open(call, tx, approval):
                raise lane.closed()
            found = approvals.answer(tx, approval, agrees, reason)
            _FOLLOW.get(found.kind, _nothing)(tx, call.haven.voice)
    except Problem as problem:
        return _second(call, problem, approval)
    return see_other("/console/second")


def _nothing(tx: Tx, voice: Voice) -> None:
    """Leave it to the room that asked: it looks before it goes on."""
