"""Handing in the console: one verb each, then back to where work goes on. Thin."""

from collections.abc import Callable, Mapping

from openhaven.core import Problem
from openhaven.review.handing import actions
from openhaven.review.pages import task_page
from openhaven.storage import Tx
from openhaven.web import Answer, Call, see_other


def hand_over(call: Call) -> Answer:
    """`POST /console/tasks/{id}/hand-over`: to a colleague, or back to all, with a note."""
    return _do(call, lambda tx, task, form: actions.hand_over(
        tx, task, form.get("to", ""), form.get("note", "")))  # fmt: skip


def snooze(call: Call) -> Answer:
    """`POST /console/tasks/{id}/snooze`: let it rest for some hours, never past its time."""
    return _do(call, lambda tx, task, form: actions.snooze(
        tx, task, _hours(form.get("hours", "")), form.get("note", "")))  # fmt: skip


def escalate(call: Call) -> Answer:
    """`POST /console/tasks/{id}/escalate`: to senior reviewers or to specialists, saying why."""
    return _do(call, lambda tx, task, form: actions.escalate(
        tx, task, form.get("level", ""), form.get("note", "")))  # fmt: skip


def ask(call: Call) -> Answer:
    """`POST /console/tasks/{id}/ask`: ask colleagues for a second opinion."""
    return _do(call, lambda tx, task, form: actions.ask_opinion(
        tx, task, form.get("note", "")), stay=True)  # fmt: skip


def say(call: Call) -> Answer:
    """`POST /console/tasks/{id}/say`: say what I would do with a colleague's task."""
    return _do(call, lambda tx, task, form: actions.say_opinion(
        tx, task, form.get("opinion", ""), form.get("note", "")), stay=True)  # fmt: skip


def _do(call: Call, verb: Callable[[Tx, str, Mapping[str, str]], None], *,
        stay: bool = False) -> Answer:  # fmt: skip
    task, form = call.path["id"], call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            verb(tx, task, form)
    except Problem as problem:
        return task_page(call, task, problem, form)
    return see_other(f"/console/tasks/{task}" if stay else "/console")


def _hours(text: str) -> float:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 3 and int(digits)):
        raise Problem("task.hours", "Say for how many hours: a number from 1 to 72.")
    return float(digits)
