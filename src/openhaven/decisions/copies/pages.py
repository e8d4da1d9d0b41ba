"""Copies of what was decided on: the list before, and the list that was made. Thin."""

from openhaven import decisions
from openhaven.core import Problem
from openhaven.decisions import copies, views
from openhaven.web import Answer, Call, page, see_other


def found(call: Call) -> Answer:
    """`GET /console/decisions/{id}/copies`: what is the same, or nearly, to choose from."""
    return _found(call)


def _found(call: Call, problem: Problem | None = None) -> Answer:
    with call.haven.db.read(call.now) as tx:
        made = decisions.decision(tx, call.path["id"])
        same, lists = copies.find(tx, made), copies.lists_of(tx, made.id)
    return page(call, "decisions/copies.html", problem.status if problem else 200, made=made,
                same=same, lists=lists, what=views.title(made.harm, made.clause_title),
                bulk=call.haven.settings.bulk_size, problem=problem, listed=None)  # fmt: skip


def act(call: Call) -> Answer:
    """`POST /console/decisions/{id}/copies`: deal with the chosen ones as with the first."""
    chosen = call.form().all("item")
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            made = decisions.decision(tx, call.path["id"])
            one = copies.begin(tx, made, chosen, call.haven.voice,
                               alone_upto=call.haven.settings.bulk_size)  # fmt: skip
    except Problem as problem:
        if problem.status == 404:
            raise
        return _found(call, problem)
    return see_other(f"/console/copies/{one.id}")


def listed(call: Call) -> Answer:
    """`GET /console/copies/{id}`: a list that was made, and how far it is."""
    with call.haven.db.read(call.now) as tx:
        one = copies.listed(tx, call.path["id"])
        made = decisions.decision(tx, one.decision)
        same = copies.copies_of(tx, one.id)
    return page(call, "decisions/copies.html", made=made, same=same, lists=[one], listed=one,
                what=views.title(made.harm, made.clause_title),
                bulk=call.haven.settings.bulk_size, problem=None)  # fmt: skip
