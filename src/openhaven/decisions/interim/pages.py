"""Hiding something for a while from the page of a task. Thin."""

from datetime import timedelta

from openhaven.core import Problem
from openhaven.decisions.interim import hide
from openhaven.decisions.interim.store import held_by
from openhaven.policy import clause_as_it_stood
from openhaven.review.pages import task_page
from openhaven.web import Answer, Call, see_other

A_DAY = timedelta(days=1)


def hide_item(call: Call) -> Answer:
    """`POST /console/tasks/{id}/hide`: hide the item of my task for a day; the task stays mine.

    What was hidden before waits for a second person.
    """
    task, form = call.path["id"], call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            about = held_by(tx, task, call.actor.id)
            if about is None:
                raise Problem("task.not_yours", "This task is not yours (any more).", status=409,
                              next_step="Claim the task again, then send it.")  # fmt: skip
            pack = form.get("pack", "")
            clause = clause_as_it_stood(tx, pack, form.get("clause", ""))
            facts = form.get("facts", "")
            made = hide(tx, about, clause, pack, facts, A_DAY, call.actor.id, call.haven.voice)
    except Problem as problem:
        return task_page(call, task, problem, form)
    return see_other(f"/console/tasks/{task}" if made else "/console/second")
