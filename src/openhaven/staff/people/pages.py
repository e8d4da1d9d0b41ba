"""Who works here, for those who manage staff: pages, thin."""

from openhaven.core import Problem
from openhaven.staff import glass
from openhaven.staff.actions import (
    create,
    disable,
    set_roles,
    sign_in_link,
    sign_out_everywhere,
)
from openhaven.staff.glass.model import VERDICTS
from openhaven.staff.model import ROLES, Member
from openhaven.staff.people import store
from openhaven.staff.store import named
from openhaven.staff.views import signed_in
from openhaven.storage import Tx
from openhaven.web import Answer, Call, Refusal, fresh, page, see_other

_HERE = "/console/staff"


def everybody(call: Call) -> Answer:
    """`GET /console/staff`: who works here, how they sign in, and what was taken in need."""
    return _everybody(call)


def _everybody(
    call: Call, problem: Problem | None = None, link: tuple[str, str] | None = None
) -> Answer:
    _, session = signed_in(call)
    with call.haven.db.read(call.now) as tx:
        found = store.everybody(tx)
        taken = glass.breaks(tx)
    return page(call, "staff/people.html", problem.status if problem else 200, people=found,
                taken=taken, roles=ROLES, problem=problem, link=link, verdicts=VERDICTS,
                fresh=session.fresh(call.now))  # fmt: skip


def add(call: Call) -> Answer:
    """`POST /console/staff`: add somebody, and show the link with which they sign in."""
    fresh(call)
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            made = create(tx, form.get("name", ""), _roles(call))
            path = sign_in_link(tx, made)
    except Problem as problem:
        return _everybody(call, problem)
    return _everybody(call, link=(made.name, call.haven.settings.url + path))


def roles(call: Call) -> Answer:
    """`POST /console/staff/{id}/roles`: give somebody else other roles; they are signed out."""
    fresh(call)
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            set_roles(tx, _somebody_else(call, tx), _roles(call))
    except Problem as problem:
        return _everybody(call, problem)
    return see_other(_HERE)


def link(call: Call) -> Answer:
    """`POST /console/staff/{id}/link`: make a link with which somebody else signs in."""
    fresh(call)
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            member = _somebody_else(call, tx)
            path = sign_in_link(tx, member)
    except Problem as problem:
        return _everybody(call, problem)
    return _everybody(call, link=(member.name, call.haven.settings.url + path))


def sign_out(call: Call) -> Answer:
    """`POST /console/staff/{id}/sign-out`: end all sessions and links of somebody else."""
    fresh(call)
    with call.haven.db.begin(call.actor, call.now) as tx:
        sign_out_everywhere(tx, _somebody_else(call, tx))
    return see_other(_HERE)


def let_go(call: Call) -> Answer:
    """`POST /console/staff/{id}/disable`: let somebody else go; all of theirs ends at once."""
    fresh(call)
    with call.haven.db.begin(call.actor, call.now) as tx:
        disable(tx, _somebody_else(call, tx))
    return see_other(_HERE)


def review(call: Call) -> Answer:
    """`POST /console/staff/glass/{id}`: say whether it was right to take a permission."""
    member, _ = signed_in(call)
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            glass.review(
                tx, member, call.path["id"], form.get("verdict", ""), form.get("remark", "")
            )
    except Problem as problem:
        return _everybody(call, problem)
    return see_other(_HERE)


def _somebody_else(call: Call, tx: Tx) -> Member:
    """Return whom it is about; nobody changes themselves here. Raises `Problem` (403, 404)."""
    member = named(tx, call.path["id"])
    if member.id == call.actor.id:
        raise Refusal("staff.own", "Nobody changes their own roles or access here.", status=403,
                      next_step="Ask another administrator, or use the command line.")  # fmt: skip
    return member


def _roles(call: Call) -> tuple[str, ...]:
    given = call.form().all("role")
    if not given:
        raise Problem("role.none", "Choose at least one role.", status=400)
    return given
