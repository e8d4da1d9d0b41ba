"""The door for authorities, and what the service does with what comes through it: for everybody."""

from openhaven.authorities.requests import actions, answering, store
from openhaven.authorities.requests.form import asked_in
from openhaven.authorities.requests.keys import SUFFIX
from openhaven.authorities.requests.public_words import (
    CATEGORY_WORDS,
    GROUND_WORDS,
    KIND_WORDS,
    STATE_WORDS,
)
from openhaven.core import Problem
from openhaven.web import Answer, Call, page

_WORDS: dict[str, object] = {"kind_words": KIND_WORDS, "category_words": CATEGORY_WORDS}


def lawful(call: Call) -> Answer:
    """`GET /lawful-requests`: what the operator does when an authority asks for data."""
    return page(call, "authorities/lawful.html", contact=call.haven.settings.operator_contact)


def door(call: Call) -> Answer:
    """`GET /authorities`: the form for authorities, and what they have to know."""
    return _door(call)


def _door(call: Call, problem: Problem | None = None) -> Answer:
    values = call.form() if problem else {}
    return page(call, "authorities/door.html", problem.status if problem else 200, values=values,
                problem=problem, **_WORDS)  # fmt: skip


def send(call: Call) -> Answer:
    """`POST /authorities`: take a request, believe nothing of it, and show its code once."""
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            made = actions.receive(
                tx, form.get("kind", ""), form.get("country", "").strip(), "door", asked_in(form),
                life=bool(form.get("life")), letter=call.files.get("letter", b""),
                contacts=call.haven.settings.authorities.life_contacts,
            )  # fmt: skip
            due = store.request(tx, made.id).due_at
    except Problem as problem:
        if problem.status >= 500:
            raise
        return _door(call, problem)
    return page(call, "authorities/door_thanks.html", 201, code=made.code, due=due)


def look(call: Call) -> Answer:
    """`POST /authorities/status`: how far a request is; its code never stands in an address."""
    try:
        with call.haven.db.read(call.now) as tx:
            found = store.by_code(tx, call.form().get("code", "")[:100])
            delivery, words = store.delivery(tx, found.id), store.asked(tx, found.id).words
    except Problem as problem:
        return _door(call, problem)
    return page(call, "authorities/door_status.html", request=found, delivery=delivery,
                words=words if found.state == "refused" else "", code=call.form().get("code", ""),
                states=STATE_WORDS, grounds=GROUND_WORDS, **_WORDS)  # fmt: skip


def packet(call: Call) -> Answer:
    """`POST /authorities/packet`: the packet, which only the authority's own key opens."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        found = store.by_code(tx, call.form().get("code", "")[:100])
        name, kind, data = answering.packet_of(tx, found.id)
        answering.fetched(tx, found.id)
    headers = {"content-disposition": f'attachment; filename="{name}.{SUFFIX[kind]}"',
               "cache-control": "no-store"}  # fmt: skip
    return Answer(200, data, "application/octet-stream", headers)
