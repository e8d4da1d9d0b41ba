"""The console: the queue, one task, the pictures of it, and the live view. Thin."""

from collections.abc import Mapping
from typing import Any

from openhaven import decisions, intake, policy, signals, survivors
from openhaven.core import HARMS, Problem
from openhaven.decisions import views
from openhaven.intake import Event
from openhaven.review import actions, looks, store
from openhaven.review.choices import choices
from openhaven.review.marks import grouped, invisible, marked
from openhaven.review.store import Task
from openhaven.signals.banks.matches import matches_of
from openhaven.storage import Tx
from openhaven.web import Answer, Call, live, page, see_other

_MISSING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200" width="320" height="200">'
    b'<rect width="320" height="200" fill="#8a8378"/><text x="160" y="105" fill="#ffffff" '
    b'font-family="sans-serif" font-size="16" text-anchor="middle">Cannot be shown</text></svg>'
)


# The queue ------------------------------------------------------------------------------------


def console(call: Call) -> Answer:
    """`GET /console`: the queue, the counters, what needs a hand, and the stream of events.

    Who may not read the queue is sent on to what they may read.
    """
    if not call.may("queue.read"):
        return see_other("/console/decisions")
    return page(call, "review/console.html", **_overview(call))


def console_live(call: Call) -> Answer:
    """`GET /console/live`: the parts of the console that change, as a page of their own."""
    return page(call, "review/live.html", **_overview(call))


def console_stream(call: Call) -> Answer:
    """`GET /console/stream`: a message (server-sent events) whenever the console has changed."""
    db = call.haven.db

    def read() -> str:
        with db.read() as tx:
            return store.pulse(tx)

    return live(call, "console", read)


def _overview(call: Call) -> dict[str, Any]:
    name = call.query.get("queue", "")
    with call.haven.db.read(call.now) as tx:
        return {
            "queue": store.queue(tx, name),
            "queues": store.queues(tx),
            "chosen": name,
            "pack": call.haven.packs.current,
            "numbers": store.numbers(tx, call.actor.id),
            "stream": store.stream(tx),
            "troubles": views.troubles(tx),
            "clocks": survivors.clocks(tx),
            "can_take": _next(call, tx, name) is not None,
            "sent": call.query.get("sent", ""),
        }


def _next(call: Call, tx: Tx, name: str = "") -> str | None:
    kinds = [kind for kind, needed in _WORK.items() if call.may(needed)]  # type: ignore[arg-type]
    return store.next_task(tx, call.actor.id, kinds, name)


_WORK = {"review": "task.work", "appeal": "appeal.work"}


def take_next(call: Call) -> Answer:
    """`POST /console/next`: claim the most urgent task that I may work on, and show it."""
    name = call.form().get("queue", "")
    with call.haven.db.begin(call.actor, call.now) as tx:
        found = _next(call, tx, name)
        if found is not None:
            actions.claim(tx, found)
    return see_other("/console" if found is None else f"/console/tasks/{found}")


# One task -------------------------------------------------------------------------------------


def task(call: Call) -> Answer:
    """`GET /console/tasks/{id}`: everything that belongs to one task."""
    return _task_page(call, call.path["id"])


def claim(call: Call) -> Answer:
    """`POST /console/tasks/{id}/claim`: take the task, or keep it for longer."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        actions.claim(tx, call.path["id"])
    return see_other(f"/console/tasks/{call.path['id']}")


def release(call: Call) -> Answer:
    """`POST /console/tasks/{id}/release`: give the task back to the queue."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        actions.release(tx, call.path["id"])
    return see_other("/console")


def judge(call: Call) -> Answer:
    """`POST /console/tasks/{id}/judge`: store what I say about the task, and go to the next one."""
    task_id, form = call.path["id"], call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            _judge(tx, store.task(tx, task_id), form)
            following = _next(call, tx)
    except Problem as problem:
        return _task_page(call, task_id, problem, form)
    where = "/console" if following is None else f"/console/tasks/{following}"
    return see_other(f"{where}?sent={task_id}")


def _judge(tx: Tx, row: Task, form: Mapping[str, str]) -> None:
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
                  facts=form.get("facts", ""), days=days)  # fmt: skip


def _days(text: str) -> int | None:
    digits = text.strip()
    if not digits:
        return None
    plain = digits.isascii() and digits.isdigit() and len(digits) <= 4
    if not plain or not 1 <= int(digits) <= 3650:
        raise Problem("judgement.days", "The number of days is from 1 to 3,650.",
                      next_step="Leave it empty when it shall hold until changed.")  # fmt: skip
    return int(digits)


def _task_page(
    call: Call, task_id: str, problem: Problem | None = None, form: Mapping[str, str] | None = None
) -> Answer:
    with call.haven.db.read(call.now) as tx:
        row = store.task(tx, task_id)
        values = _subject(call, tx, row) | _surroundings(tx, row) | _work(call, tx, row)
    template = "review/appeal.html" if row.kind == "appeal" else "review/task.html"
    return page(call, template, problem.status if problem else 200, **values, task=row,
                problem=problem, form=form or {}, sent=call.query.get("sent", ""))  # fmt: skip


def _subject(call: Call, tx: Tx, row: Task) -> dict[str, Any]:
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
        "pieces": marked(text, _spans(call, event)) if text and event else [],
        "invisible": invisible(text),
        "pictures": [] if event is None or hidden
        else store.pictures(tx, row.platform_id, event, call.actor.id, row.id),
        "verdict": (stored.verdict if stored else None) or {},
        "matches": matches_of(tx, row.event) if row.event is not None else [],
        "account": intake.account_of(tx, row.platform_id, row.account) if row.account else None,
    }  # fmt: skip


def _spans(call: Call, event: Event) -> list[tuple[int, int]]:
    """Return where the text detectors of today see something in the item's text."""
    found = signals.measure([event], {}, [s for s in call.haven.signals if s.name == "terms"])[0]
    return [(int(f.detail["start"]), int(f.detail["end"])) for f in found
            if f.unknown is None and {"start", "end"} <= f.detail.keys()]  # fmt: skip


def _surroundings(tx: Tx, row: Task) -> dict[str, Any]:
    account, item = row.account, row.item
    return {
        "reports": store.reports(tx, row.case_id),
        "versions": store.versions(tx, row.platform_id, item) if item else [],
        "history": views.of_account(tx, row.platform_id, account) if account else [],
        "labels": intake.labels_about(tx, row.platform_id, account, item),
        "strikes": decisions.counting(tx, row.platform_id, account) if account else 0,
        "of_item": views.of_item(tx, row.platform_id, item) if item else [],
        "seen_by": store.seen_by(tx, row.id),
        "judgement": store.judgement_of(tx, row.id),
        "followed": views.of_task(tx, row.id),
    }


def _work(call: Call, tx: Tx, row: Task) -> dict[str, Any]:
    """Return what the reader may do with the task, and what an appeal needs besides."""
    mine = row.state == "claimed" and row.claimed_by == call.actor.id
    needed = _WORK[row.kind]
    may_work = call.may(needed) and call.actor.id not in row.barred  # type: ignore[arg-type]
    spoken = _clauses_spoken(tx, row)
    values: dict[str, Any] = {
        "clauses": spoken,
        "grouped": grouped,
        "mine": mine,
        "may_work": may_work,
        "may_claim": may_work and row.state in ("open", "claimed") and not mine,
        "pack": call.haven.packs.current,
        "harms": HARMS,
        "choices": choices(
            intake.platform_named(tx, row.platform_id).verbs, account_known=row.account is not None
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


def _clauses_spoken(tx: Tx, row: Task) -> dict[str, policy.Clause]:
    """Return the clauses that rules named for this event, as they stood in the pack of then."""
    if row.event is None:
        return {}
    stored, _ = intake.open_event(tx, row.event)
    verdict = stored.verdict or {}
    names = dict.fromkeys(reason["clause"] for reason in verdict.get("reasons", []))
    return {name: policy.clause_as_it_stood(tx, verdict["pack"], name) for name in names}


# Pictures -------------------------------------------------------------------------------------


def media(call: Call) -> Answer:
    """`GET /console/media/{id}`: the picture, blurred and grey."""
    return _picture(call, clear=False)


def media_clear(call: Call) -> Answer:
    """`GET /console/media/{id}/clear`: the picture, for the one who asked within half an hour."""
    with call.haven.db.read(call.now) as tx:
        if not store.is_clear(tx, call.path["id"], call.actor.id):
            raise Problem("media.veiled", "You have not asked to see this picture.", status=403,
                          next_step="Ask on the page of the task; it is recorded.")  # fmt: skip
    return _picture(call, clear=True)


def reveal(call: Call) -> Answer:
    """`POST /console/media/{id}/reveal`: record that I ask to see the picture, then show it."""
    media_id, task_id = call.path["id"], call.form().get("task", "")
    with call.haven.db.begin(call.actor, call.now) as tx:
        shown = _subject(call, tx, store.task(tx, task_id))["pictures"]
        if media_id not in {one.id for one in shown}:
            raise Problem("media.unknown", "There is no such picture in this task.", status=404)
        actions.reveal(tx, media_id, task_id)
    match = call.form().get("match", "")
    if match.isascii() and match.isdigit():
        return see_other(f"/console/bank-matches/{match}")
    return see_other(f"/console/tasks/{task_id}#{media_id}")


def _picture(call: Call, *, clear: bool) -> Answer:
    haven = call.haven
    kept = {"cache-control": "no-store"}
    try:
        with haven.db.read(call.now) as tx:
            data = looks.picture(tx, haven.blobs, haven.hasher, call.path["id"], clear=clear)
    except Problem:
        # The place of a picture is filled, so that the page around it stays usable.
        return Answer(200, _MISSING, "image/svg+xml", kept)
    return Answer(200, data, "image/jpeg", kept)


# Around it ------------------------------------------------------------------------------------


def platforms(call: Call) -> Answer:
    """`GET /console/platforms`: who sends events, what each can carry out, and when it last did."""
    with call.haven.db.read(call.now) as tx:
        return page(call, "review/platforms.html", platforms=store.platforms(tx))
