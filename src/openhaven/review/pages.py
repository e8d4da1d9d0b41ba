"""One task in the console: everything that belongs to it, and to claim it or give it back. Thin."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from openhaven import decisions, intake, policy, signals
from openhaven.core import HARMS, Problem
from openhaven.decisions import views
from openhaven.intake import Event
from openhaven.intake.reports.files import files_of
from openhaven.review import actions, alike, around, choosing, handing, quality, shown, store
from openhaven.review.access import NEEDED, levels
from openhaven.review.choices import choices
from openhaven.review.marks import grouped, invisible, marked
from openhaven.review.store import Task
from openhaven.review.translating.model import Translated
from openhaven.signals.banks.matches import matches_of
from openhaven.storage import Tx
from openhaven.web import Answer, Call, page, see_other


def task(call: Call) -> Answer:
    """`GET /console/tasks/{id}`: everything that belongs to one task."""
    return task_page(call, call.path["id"])


def claim(call: Call) -> Answer:
    """`POST /console/tasks/{id}/claim`: take the task, or keep it for longer.

    What was written before the lease ended comes along and stands in the form again.
    """
    form = call.form()
    with call.haven.db.begin(call.actor, call.now) as tx:
        actions.claim(tx, call.path["id"])
    if form.get("facts"):
        return task_page(call, call.path["id"], None, form)
    return see_other(f"/console/tasks/{call.path['id']}")


def release(call: Call) -> Answer:
    """`POST /console/tasks/{id}/release`: give the task back to the queue."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        actions.release(tx, call.path["id"])
    return see_other("/console")


def kinds(call: Call) -> list[str]:
    """Return the kinds of task that the caller works on."""
    return [kind for kind, needed in NEEDED.items() if call.may(needed)]


def sent(call: Call, tx: Tx) -> dict[str, Any] | None:
    """Return the task that was just judged and, while it can be taken back, its judgement."""
    task_id = call.query.get("sent", "")
    said = store.judgement_of(tx, task_id) if task_id else None
    if said is None or said.staff_id != call.actor.id:
        return None
    left = (said.settle_at - call.now).total_seconds() if said.settle_at else 0
    return {"task": task_id, "judgement": said.id,
            "left": math.ceil(left) if said.state == "given" and left > 0 else 0}  # fmt: skip


def task_page(
    call: Call, task_id: str, problem: Problem | None = None,
    form: Mapping[str, str] | None = None, translated: Translated | None = None,
) -> Answer:  # fmt: skip
    """Return the page of one task; `problem` and `form` are what a refused form said."""
    with call.haven.db.read(call.now) as tx:
        row = store.task(tx, task_id)
        values = subject(call, tx, row)
        lane = call.may("lane.work")
        values |= _surroundings(tx, row, lane=lane) | _work(call, tx, row, values)
        values["alike"] = _alike(tx, row, values, lane=lane)
        values |= {"sent": sent(call, tx), **_between(call, tx, row, mine=values["mine"])}
    template = "review/appeal.html" if row.kind == "appeal" else "review/task.html"
    return page(call, template, problem.status if problem else 200, **values, task=row,
                problem=problem, form=form or {}, translated=translated)  # fmt: skip


def _between(call: Call, tx: Tx, row: Task, *, mine: bool) -> dict[str, Any]:
    """Return what reviewers told each other about a task, and to whom it may be handed."""
    notes = [] if row.kind == "check" else handing.notes(tx, row.id)
    asking = [one for one in notes if one.kind == "asked"]
    own = call.staff is not None and call.staff.name in {one.staff for one in asking[-1:]}
    but = [call.actor.id, *row.barred]
    return {
        "notes": notes,
        "may_say": bool(asking) and not own and row.state in ("open", "claimed"),
        "colleagues": handing.colleagues(tx, row.kind, row.level, but) if mine else [],
    }


def subject(call: Call, tx: Tx, row: Task) -> dict[str, Any]:
    """Return the item as it was, as far as it may be shown."""
    stored, event = None, None
    if row.event is not None:
        stored, event = intake.open_event(tx, row.event)
    text = (event.item.text or "") if event and event.item else ""
    hidden = bool(event and event.private) and not row.reports and row.private_basis is None
    return {
        "stored": stored,
        "event": event,
        "hidden": hidden,
        "may_see": row.lane_at is not None or row.level in levels(tx, call.actor.id),
        "choices_of": choosing.choices(tx, call.actor.id),
        "pieces": marked(text, _spans(call, event)) if text and event else [],
        "invisible": invisible(text),
        "pictures": [] if event is None or hidden
        else shown.pictures(tx, row.platform_id, event, call.actor.id, row.id),
        "verdict": (stored.verdict if stored else None) or {},
        "matches": matches_of(tx, row.event) if row.event is not None else [],
        "account": intake.account_of(tx, row.platform_id, row.account) if row.account else None,
    }  # fmt: skip


def _spans(call: Call, event: Event) -> list[tuple[int, int]]:
    """Return where the text detectors of today see something in the item's text."""
    found = signals.measure([event], {}, [s for s in call.haven.signals if s.name == "terms"])[0]
    return [(int(f.detail["start"]), int(f.detail["end"])) for f in found
            if f.unknown is None and {"start", "end"} <= f.detail.keys()]  # fmt: skip


def _surroundings(tx: Tx, row: Task, *, lane: bool) -> dict[str, Any]:
    account, item = row.account, row.item
    # Who looks a second time is not to know what the first one made of it.
    since = quality.hidden_from(tx, row.id) if row.kind == "check" else None
    return {
        "reports": shown.reports(tx, row.case_id),
        "files": files_of(tx, row.case_id),
        "versions": shown.versions(tx, row.platform_id, item) if item else [],
        "history": _before(
            views.of_account(tx, row.platform_id, account, lane=lane) if account else [], since
        ),
        "labels": intake.labels_about(tx, row.platform_id, account, item),
        "strikes": decisions.counting(tx, row.platform_id, account) if account else 0,
        "of_item": _before(
            views.of_item(tx, row.platform_id, item, lane=lane) if item else [], since
        ),
        "linked": around.linked(tx, row.case_id, row.platform_id, account, lane=lane),
        "similar": around.similar(tx, row.id, row.harm),
        "seen_by": shown.seen_by(tx, row.id),
        "judgement": store.judgement_of(tx, row.id),
        "followed": views.of_task(tx, row.id),
        "golden": quality.golden_of(tx, row.id),
    }


def _alike(tx: Tx, row: Task, seen: Mapping[str, Any], *, lane: bool) -> list[alike.Alike]:
    if seen["hidden"] or seen["event"] is None:
        return []
    text = "".join(piece for piece, _ in seen["pieces"])
    pictures = [one.id for one in seen["pictures"]]
    return alike.alike(tx, row.case_id, row.harm, text, pictures, lane=lane)


def _before(lines: list[views.Line], since: datetime | None) -> list[views.Line]:
    return [one for one in lines if since is None or one.decided_at < since]


def _work(call: Call, tx: Tx, row: Task, seen: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the reader may do with the task, and what an appeal needs besides."""
    mine = row.state == "claimed" and row.claimed_by == call.actor.id
    able = (row.lane_at is not None or call.may(NEEDED[row.kind])) and seen["may_see"]
    may_work = able and call.actor.id not in row.barred
    spoken = _clauses_spoken(tx, seen["verdict"])
    named = not store.names_nobody(tx, row.case_id)
    values: dict[str, Any] = {
        "clauses": spoken,
        "grouped": grouped,
        "mine": mine,
        "may_work": may_work,
        "may_claim": may_work and row.state in ("open", "claimed") and not mine,
        "pack": call.haven.packs.current,
        "harms": HARMS,
        "unnamed": not named,
        "choices": choices(
            intake.platform_named(tx, row.platform_id).verbs,
            account_known=row.account is not None,
            named=named,
        ),
        "appeal": None,
        "first": None,
        "acts": [],
        "first_judge": None,
    }
    if row.appeal is not None:
        appeal = views.appeal(tx, row.appeal)
        values["appeal"] = appeal
        values["first"] = decisions.decision(tx, appeal.decision)
        values["acts"] = decisions.acts_of(tx, appeal.decision)
        values["first_judge"] = views.first_judge(tx, appeal.decision)
    return values


def _clauses_spoken(tx: Tx, verdict: Mapping[str, Any]) -> dict[str, policy.Clause]:
    """Return the clauses that rules named for this event, as they stood in the pack of then."""
    names = dict.fromkeys(reason["clause"] for reason in verdict.get("reasons", []))
    return {name: policy.clause_as_it_stood(tx, verdict["pack"], name) for name in names}
