"""The queue in the console, live, and taking the next task; the platforms. Thin."""

from collections.abc import Mapping
from typing import Any

from openhaven import evidence, survivors
from openhaven.core import HARMS
from openhaven.decisions import views
from openhaven.review import actions, handing, lane, store, wellbeing
from openhaven.review.board import store as board
from openhaven.review.model import Narrowed
from openhaven.review.pages import kinds, sent
from openhaven.web import Answer, Call, live, page, see_other


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
            return board.pulse(tx)

    return live(call, "console", read)


def _overview(call: Call) -> dict[str, Any]:
    narrowed = _narrowed(call.query)
    me = call.actor.id
    with call.haven.db.read(call.now) as tx:
        found = board.groups(tx, me)
        following = store.next_task(tx, me, kinds(call), narrowed)
        return {
            "queue": store.queue(tx, narrowed, lane=call.may("lane.work")),
            "lane_alone": lane.nobody_there(tx),
            "kinds_open": board.kinds_open(found),
            "narrowed": narrowed.given(),
            "asked_for": {name: text for name, text in narrowed.given().items() if text},
            "pauses": wellbeing.pauses(tx, me),
            "asked": handing.asked(tx, me) if call.may("task.work") else [],
            "harms": HARMS,
            "pack": call.haven.packs.current,
            "numbers": board.numbers(tx, found),
            "stream": board.stream(tx, lane=call.may("lane.work")),
            "troubles": views.troubles(tx),
            "evidence_lost": len(checked.lost) if (checked := evidence.last_check(tx)) else 0,
            "clocks": survivors.clocks(tx),
            "can_take": following is not None,
            "sent": sent(call, tx),
        }


def _narrowed(given: Mapping[str, str]) -> Narrowed:
    """Return what an address or a form asks for; whatever makes no sense narrows nothing."""
    severity = given.get("severity", "")
    return Narrowed(
        queue=given.get("queue", "")[:80],
        harm=given.get("harm", "")[:80],
        language=given.get("language", "")[:80],
        severity=int(severity) if severity in ("1", "2", "3", "4") else 0,
        clock="yes" if given.get("clock") else "",
    )


def take_next(call: Call) -> Answer:
    """`POST /console/next`: claim the most urgent task that I may work on, and show it."""
    narrowed = _narrowed(call.form())
    with call.haven.db.begin(call.actor, call.now) as tx:
        found = actions.claim_next(tx, kinds(call), narrowed)
    return see_other("/console" if found is None else f"/console/tasks/{found}")


def platforms(call: Call) -> Answer:
    """`GET /console/platforms`: who sends events, what each can carry out, and when it last did."""
    with call.haven.db.read(call.now) as tx:
        return page(call, "review/platforms.html", platforms=board.platforms(tx))
