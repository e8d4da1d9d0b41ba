"""Decisions for staff, deliveries that need a hand, and the appeal form for people. Thin."""

from datetime import datetime
from typing import Any

from openhaven import decisions
from openhaven.core import Problem
from openhaven.core.words import REVERSING
from openhaven.decisions import (
    Act,
    Decision,
    dsa,
    exceptions,
    rabat,
    strikes,
    views,
    words,
)
from openhaven.decisions.api import receipt_answer
from openhaven.intake import Event, account_of, open_event, platform_named
from openhaven.storage import Tx
from openhaven.support import Guide
from openhaven.web import Answer, Call, page, see_other

# For staff ------------------------------------------------------------------------------------


def decision_list(call: Call) -> Answer:
    """`GET /console/decisions`: the latest decisions; `?before=` turns the page."""
    with call.haven.db.read(call.now) as tx:
        lines = views.recent(tx, before=_moment(call.query.get("before", "")),
                             lane=call.may("lane.work"))  # fmt: skip
    return page(call, "decisions/list.html", lines=lines, paged="before" in call.query)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Problem("page.before", "This is no moment to turn the page at.", status=400,
                      next_step="Go back to the list and use its links.")  # fmt: skip
    return found


def decision(call: Call) -> Answer:
    """`GET /console/decisions/{id}`: the full record and everything that followed from it."""
    with call.haven.db.read(call.now) as tx:
        made = decisions.decision(tx, call.path["id"])
        values: dict[str, Any] = {
            "made": made,
            "platform": platform_named(tx, made.platform),
            "judge": views.first_judge(tx, made.id),
            "acts": decisions.acts_of(tx, made.id),
            "notices": views.notices_of(tx, made.id),
            "appeals": views.appeals_of(tx, made.id),
            "entries": views.ledger_of(tx, made.id),
            "strike": decisions.strike_of(tx, made.id),
            "statement": dsa.projection(made),
            "what": views.title(made.harm, made.clause_title),
            "six": rabat.six_of(tx, made.six) if call.may("queue.read") else [],
            "exempt": exceptions.exempt_of(tx, made.id),
        } | _posted(call, tx, made)
    return page(call, "decisions/decision.html", **values)


def _posted(call: Call, tx: Tx, made: Decision) -> dict[str, str | None]:
    """Return the text that it is about, for who reviews and unless it is private, and its place."""
    event = _event(tx, made)
    item = event.item if event else None
    private = bool(event and event.conversation and event.conversation.visibility == "private")
    shown = item is not None and not private and call.may("queue.read")
    return {"said": item.text if item and shown else None, "place": item.url if item else None}


def _event(tx: Tx, made: Decision) -> Event | None:
    """Return the event that it is about, unless it was a report or is not kept any more."""
    if made.event is None:
        return None
    try:
        row, event = open_event(tx, made.event)
    except Problem:
        return None
    return None if row.kind == "report.create" else event


def answer_strike(call: Call) -> Answer:
    """`POST /console/decisions/{id}/strike`: let a strike that waits count, or lift it."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        made = decisions.decision(tx, call.path["id"])
        strikes.answer(tx, made.id, counts=call.form().get("answer") == "counts")
    return see_other(f"/console/decisions/{made.id}")


def deliveries(call: Call) -> Answer:
    """`GET /console/deliveries`: what was decided and has not arrived, with the error in words."""
    with call.haven.db.read(call.now) as tx:
        return page(call, "decisions/deliveries.html",
                    failed=views.deliveries(tx, "failed"), waiting=views.deliveries(tx, "intended"),
                    silent=views.silent(tx),
                    letters_failed=views.letters(tx, "failed"),
                    letters_waiting=views.letters(tx, "intended"))  # fmt: skip


def replay_act(call: Call) -> Answer:
    """`POST /console/acts/{id}/replay`: try a failed act again, under its own id."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        decisions.replay_act(tx, call.path["id"])
    return see_other("/console/deliveries")


def replay_letter(call: Call) -> Answer:
    """`POST /console/notices/{id}/replay`: try a failed e-mail again."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        decisions.replay_letter(tx, call.path["id"])
    return see_other("/console/deliveries")


# For people -----------------------------------------------------------------------------------


def appeal_form(call: Call) -> Answer:
    """`GET /appeal/{token}`: the decision with its reasons, and the form or its outcome."""
    return _appeal_page(call)


def appeal_send(call: Call) -> Answer:
    """`POST /appeal/{token}`: store the appeal, once."""
    text = call.form().get("text", "")
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            made = decisions.decision_of_token(tx, call.path["token"])
            decisions.appeal(tx, made, text)
    except Problem as problem:
        if problem.status == 404:
            raise
        return _appeal_page(call, problem, text)
    return see_other(f"/appeal/{call.path['token']}")


def receipt(call: Call) -> Answer:
    """`GET /appeal/{token}/receipt`: the receipt of the decision, as a file to keep."""
    with call.haven.db.read(call.now) as tx:
        made = decisions.decision_of_token(tx, call.path["token"])
        return receipt_answer(decisions.receipt_of(tx, made), made.id)


def _appeal_page(call: Call, problem: Problem | None = None, text: str = "") -> Answer:
    with call.haven.db.read(call.now) as tx:
        made = decisions.decision_of_token(tx, call.path["token"])
        acts = decisions.acts_of(tx, made.id)
        appeals = [one for one in views.appeals_of(tx, made.id) if one.report is None]
        event = _event(tx, made)
        known = account_of(tx, made.platform, made.account or "")
    guide = Guide().at(known.country if known else "", known.age_band if known else "")
    to = words.reader(call.language, call.haven.packs.now.pack.clauses, guide=guide)
    values: dict[str, Any] = {
        "made": made,
        "to": to,
        "place": event.item.url if event and event.item else None,
        "appeal": appeals[-1] if appeals else None,
        "lost": _lost(acts),
        "undoing": [act for act in acts if act.reverses],
        "open": _open(call, made),
        "topics": words.topics_of(made, to),
        "country": guide.country,
        "band": guide.band,
        "young": guide.band in ("under-13", "13-15", "16-17"),
        "problem": problem,
        "text": text,
    }
    return page(call, "decisions/appeal.html", problem.status if problem else 200, **values)


def _open(call: Call, made: Decision) -> bool:
    erased = made.account is None and made.item is None
    return made.state != "overturned" and call.now <= made.appeal_until and not erased


def _lost(acts: list[Act]) -> bool:
    """Say whether something was done that the platform cannot put back."""
    return any(act.verb in REVERSING and not act.reversible and act.state != "cancelled"
               for act in acts)  # fmt: skip
