"""Judging in the console: send a judgement, take it back. Thin."""

from collections.abc import Mapping
from datetime import timedelta

from openhaven import decisions, policy
from openhaven.core import Problem
from openhaven.decisions import views
from openhaven.review import store
from openhaven.review.judging import actions
from openhaven.review.pages import kinds, task_page
from openhaven.review.store import Task
from openhaven.review.terms.forms import six_of, terms_of
from openhaven.storage import Settings, Tx
from openhaven.web import Answer, Call, see_other


def judge(call: Call) -> Answer:
    """`POST /console/tasks/{id}/judge`: store what I say about the task, and go to the next one."""
    task_id, form = call.path["id"], call.form()
    settings = call.haven.settings
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            _judge(tx, store.task(tx, task_id), form, settings)
            following = store.next_task(tx, call.actor.id, kinds(call))
    except Problem as problem:
        return task_page(call, task_id, problem, form)
    where = "/console" if following is None else f"/console/tasks/{following}"
    return see_other(f"{where}?sent={task_id}")


def take_back(call: Call) -> Answer:
    """`POST /console/judgements/{id}/take-back`: it was a slip; the task is mine again."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        task = actions.take_back(tx, call.path["id"])
    return see_other(f"/console/tasks/{task}")


def _judge(tx: Tx, row: Task, form: Mapping[str, str], settings: Settings) -> None:
    outcome = form.get("outcome", "")
    if not outcome:
        raise Problem("judgement.outcome", "Choose what shall happen.")
    clause, pack = form.get("clause", ""), form.get("pack", "")
    if row.appeal is not None:
        first = decisions.decision(tx, views.appeal(tx, row.appeal).decision)
        clause, pack = first.clause, first.pack
    else:
        # Raises `Problem` when there is no such clause in that pack.
        policy.clause_as_it_stood(tx, pack, clause)
    days = _days(form.get("days", "")) if outcome in ("restrict", "suspend") else None
    actions.judge(tx, row.id, outcome=outcome, clause=clause, pack=pack,
                  facts=form.get("facts", ""), days=days, limits=settings.wellbeing,
                  terms=terms_of(form, outcome), six=six_of(form),
                  undo=timedelta(seconds=settings.undo_seconds))  # fmt: skip


def _days(text: str) -> int | None:
    digits = text.strip()
    if not digits:
        return None
    plain = digits.isascii() and digits.isdigit() and len(digits) <= 4
    if not plain or not 1 <= int(digits) <= 3650:
        raise Problem("judgement.days", "The number of days is from 1 to 3,650.",
                      next_step="Leave it empty when it shall hold until changed.")  # fmt: skip
    return int(digits)
