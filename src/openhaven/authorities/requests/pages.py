"""Requests of authorities in the console: the register, one request with its steps. Thin."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from openhaven import intake
from openhaven.authorities.requests import (
    actions,
    answering,
    contacts,
    counts,
    keeping,
    narrowing,
    store,
)
from openhaven.authorities.requests.form import asked_in, number_in, subjects_in, wanted_in
from openhaven.authorities.requests.keys import SUFFIX
from openhaven.authorities.requests.kinds import CATEGORIES, kinds
from openhaven.authorities.requests.model import (
    CHECKS,
    DELAYS,
    GROUNDS,
    ORIGINS,
    RESULTS,
    STATES,
    TONES,
    Request,
    Wanted,
    open_ended,
)
from openhaven.authorities.requests.permitted import only_handlers
from openhaven.authorities.requests.sender import FLAGS
from openhaven.authorities.requests.telling import actions as telling
from openhaven.core import HARMS, Problem
from openhaven.line import ordering
from openhaven.staff import approvals
from openhaven.storage import Tx
from openhaven.web import Answer, Call, fresh, page, see_other


def _data(codes: Iterable[str]) -> str:
    """Return kinds of data in words."""
    return "; ".join(CATEGORIES[code] for code in codes)


_WORDS: dict[str, object] = {
    "data": _data,
    "states": STATES, "tones": TONES, "grounds": GROUNDS, "delays": DELAYS,
    "categories": CATEGORIES,
    "checks_words": CHECKS, "origins": ORIGINS, "results": RESULTS, "flags_words": FLAGS,
    "kinds": kinds(), "questions": actions.QUESTIONS, "harms": HARMS, "reach": ordering.REACH,
}  # fmt: skip
_WHICH = {"open": "open", "late": "overdue", "ended": "ended", "all": "all"}
# So many stand on a page. Anybody can send some: what comes after them has to be found as well.
_SHEET = 200


# The register -----------------------------------------------------------------------------------


def register(call: Call) -> Answer:
    """`GET /console/requests`: what waits, with its clock; for others than handlers the counts."""
    which, kind = call.query.get("which", "open"), call.query.get("kind", "")
    sheet = max(number_in(call.query.get("sheet", "") or "0"), 0)
    with call.haven.db.read(call.now) as tx:
        shown = (store.listed(tx, which=which, kind=kind, limit=_SHEET, after=sheet * _SHEET)
                 if call.may("requests.handle") else [])  # fmt: skip
        tallies = {what: counts.by(tx, what) for what in ("kind", "country", "outcome")}
        sums, trouble = counts.sums(tx), store.trouble(tx)
    return page(call, "authorities/requests.html", lines=shown, which=which, kind=kind,
                sheet=sheet, full=len(shown) == _SHEET, whiches=_WHICH, tallies=tallies,
                sums=sums, trouble=trouble,
                unset=not call.haven.settings.authorities.life_contacts, **_WORDS)  # fmt: skip


def new(call: Call) -> Answer:
    """`GET /console/requests/new`: the form for a request that came by letter, e-mail or portal."""
    return _new(call)


def _new(call: Call, problem: Problem | None = None) -> Answer:
    values = call.form() if problem else {}
    return page(call, "authorities/request_new.html", problem.status if problem else 200,
                values=values, problem=problem, **_WORDS)  # fmt: skip


def take(call: Call) -> Answer:
    """`POST /console/requests/new`: take a request into the register; its code is shown once."""
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            only_handlers(tx)
            made = actions.receive(
                tx, form.get("kind", ""), form.get("country", "").strip(),
                form.get("via", "letter") if form.get("via") in ("letter", "email", "portal")
                else "letter", asked_in(form), life=bool(form.get("life")),
                letter=call.files.get("letter", b""),
                contacts=call.haven.settings.authorities.life_contacts,
            )  # fmt: skip
    except Problem as problem:
        return _new(call, problem)
    return page(call, "authorities/request_taken.html", 201, made=made)


# One request ------------------------------------------------------------------------------------


def request(call: Call) -> Answer:
    """`GET /console/requests/{id}`: one request, what was done, and the next step."""
    return _request(call)


def _request(call: Call, problem: Problem | None = None) -> Answer:
    with call.haven.db.read(call.now) as tx:
        values = _shown(call, tx, store.request(tx, call.path["id"]))
    given = call.form() if problem else {}
    return page(call, "authorities/request.html", problem.status if problem else 200,
                problem=problem, given=given, **values, **_WORDS)  # fmt: skip


def _shown(call: Call, tx: Tx, found: Request) -> dict[str, object]:
    asked = store.asked(tx, found.id)
    scope = store.scope(tx, found.scope) if found.scope else None
    second = approvals.state_of(tx, narrowing.KIND, found.scope) if found.scope else None
    return {
        "request": found, "asked": asked, "of": found.of, "open_ended": open_ended(asked),
        "checks": store.checks(tx, found.id), "files": store.files(tx, found.id), "scope": scope,
        "alone": second == "alone", "delivery": store.delivery(tx, found.id),
        "keeps": store.keeps(tx, found.id), "tellings": store.tellings(tx, found.id),
        "calls": store.calls(tx, found.id), "platforms": intake.platform_names(tx),
        "known": [one for one in contacts.contacts(tx)
                  if one.known_at and one.country == found.country],
        "names": {one["id"]: one["name"] for one in tx.rows("SELECT id, name FROM platforms")},
        "month": f"{call.now - timedelta(days=30):%Y-%m-%d}", "today": f"{call.now:%Y-%m-%d}",
        "suffix": SUFFIX, "contacts": call.haven.settings.authorities.life_contacts,
    }  # fmt: skip


def file(call: Call) -> Answer:
    """`GET /console/requests/{id}/files/{file}`: a file as it was stored, never shown in place."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        data = actions.read_file(tx, call.path["id"], call.path["file"])
    return _download(data, f"{call.path['file']}.bin")


def packet(call: Call) -> Answer:
    """`GET /console/requests/{id}/packet`: what was given, sealed to the authority's key."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        only_handlers(tx)
        name, kind, data = answering.packet_of(tx, call.path["id"])
        answering.fetched(tx, call.path["id"])
    return _download(data, f"{name}.{SUFFIX[kind]}")


def _download(data: bytes, name: str) -> Answer:
    headers = {"content-disposition": f'attachment; filename="{name}"',
               "cache-control": "no-store"}  # fmt: skip
    return Answer(200, data, "application/octet-stream", headers)


# Steps ------------------------------------------------------------------------------------------


def step(call: Call) -> Answer:
    """`POST /console/requests/{id}/{step}`: take a request on by one of its steps."""
    run = _STEPS.get(call.path["step"])
    if run is None:
        raise Problem("request.step", "There is no such step.", status=404)
    try:
        run(call, call.path["id"])
    except Problem as problem:
        if problem.status in (403, 404) and problem.code != "request.account":
            raise
        return _request(call, problem)
    return see_other(f"/console/requests/{call.path['id']}")


def _check(call: Call, request: str) -> None:
    form = call.form()
    with call.haven.db.begin(call.actor, call.now) as tx:
        actions.note_check(
            tx, request, form.get("kind", ""), form.get("result", ""),
            origin=form.get("origin", ""), number=form.get("number", ""),
            known=form.get("known", ""), spoke_with=form.get("spoke_with", ""),
            note=form.get("note", ""),
        )  # fmt: skip


def _law(call: Call, request: str) -> None:
    form = call.form()
    with call.haven.db.begin(call.actor, call.now) as tx:
        actions.check_law(tx, request, form.all("holds"), treaty=form.get("treaty", ""),
                          note=form.get("note", ""))  # fmt: skip


def _narrow(call: Call, request: str) -> None:
    with call.haven.db.begin(call.actor, call.now) as tx:
        found = store.request(tx, request)
        narrowing.narrow(tx, request, wanted_in(tx, call.form(), found.of))


def _ask(call: Call, request: str) -> None:
    with call.haven.db.begin(call.actor, call.now) as tx:
        narrowing.ask(tx, request)


def _key(call: Call, request: str) -> None:
    form = call.form()
    with call.haven.db.begin(call.actor, call.now) as tx:
        actions.set_key(tx, request, form.get("key", ""), confirmed=bool(form.get("confirmed")),
                        known=form.get("known", ""))  # fmt: skip


def _attach(call: Call, request: str) -> None:
    form = call.form()
    with call.haven.db.begin(call.actor, call.now) as tx:
        actions.add_file(tx, request, "out", call.files.get("file", b""), form.get("name", ""))


def _produce(call: Call, request: str) -> None:
    fresh(call)
    haven = call.haven
    says = answering.Says(haven.settings.service_name, haven.settings.url)
    answering.produce(haven.vault, haven.blobs, haven.signer, call.actor, request, says, call.now)


def _keep(call: Call, request: str) -> None:
    form = call.form()
    with call.haven.db.begin(call.actor, call.now) as tx:
        subjects = subjects_in(tx, form.get("subjects", ""))
        span = Wanted(categories=(), subjects=(), since=datetime(2000, 1, 1, tzinfo=UTC),
                      until=call.now + timedelta(days=1))  # fmt: skip
        keeping.keep(call.haven.vault, call.haven.blobs, tx, request, subjects, span)


def _renew(call: Call, request: str) -> None:
    with call.haven.db.begin(call.actor, call.now) as tx:
        keeping.renew(tx, request)


def _kept(call: Call, request: str) -> None:
    with call.haven.db.begin(call.actor, call.now) as tx:
        keeping.preserved(tx, request)


def _remove(call: Call, request: str) -> None:
    form = call.form()
    ordering.carry_out(call.haven, call.actor, request, form.get("harm", ""),
                       form.get("where", ""), now=call.now)  # fmt: skip


def _refuse(call: Call, request: str) -> None:
    form = call.form()
    with call.haven.db.begin(call.actor, call.now) as tx:
        actions.refuse(tx, request, form.get("ground", ""), form.get("words", ""))


def _withdraw(call: Call, request: str) -> None:
    with call.haven.db.begin(call.actor, call.now) as tx:
        actions.withdraw(tx, request)


def _longer(call: Call, request: str) -> None:
    form = call.form()
    days = form.get("days", "")
    with call.haven.db.begin(call.actor, call.now) as tx:
        _own(tx, request, form.get("notice", ""))
        telling.ask_longer(tx, form["notice"], form.get("ground", ""), number_in(days),
                           form.get("reason", ""))  # fmt: skip


def _tell(call: Call, request: str) -> None:
    form = call.form()
    with call.haven.db.begin(call.actor, call.now) as tx:
        _own(tx, request, form.get("notice", ""))
        (telling.by_hand if form.get("do") == "told" else telling.now)(tx, form["notice"])


def _own(tx: Tx, request: str, notice: str) -> None:
    if notice not in {one.id for one in store.tellings(tx, request)}:
        raise Problem("notice.unknown", "There is no such word to a person.", status=404)


_STEPS = {
    "check": _check, "law": _law, "scope": _narrow, "ask": _ask, "key": _key, "file": _attach,
    "produce": _produce, "keep": _keep, "renew": _renew, "kept": _kept, "remove": _remove,
    "refuse": _refuse, "withdraw": _withdraw, "longer": _longer, "tell": _tell,
}  # fmt: skip


# Authorities that are known ---------------------------------------------------------------------


def known(call: Call) -> Answer:
    """`GET /console/requests/contacts`: the authorities that two people know."""
    return _known(call)


def _known(call: Call, problem: Problem | None = None) -> Answer:
    with call.haven.db.read(call.now) as tx:
        found = contacts.contacts(tx)
    return page(call, "authorities/request_contacts.html", problem.status if problem else 200,
                contacts=found, problem=problem, given=call.form() if problem else {})  # fmt: skip


def add_known(call: Call) -> Answer:
    """`POST /console/requests/contacts`: put an authority forward; a second person agrees."""
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            about = contacts.About(form.get("phone", "")[:60], form.get("found", "")[:500],
                                   form.get("note", "")[:1_000])  # fmt: skip
            contacts.add(tx, form.get("name", ""), form.get("country", "").strip(),
                         form.get("domain", ""), about, form.get("key", ""))  # fmt: skip
    except Problem as problem:
        if problem.status == 403:
            raise
        return _known(call, problem)
    return see_other("/console/requests/contacts")


def remove_known(call: Call) -> Answer:
    """`POST /console/requests/contacts/{id}/remove`: take an authority from the list."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        contacts.remove(tx, call.path["id"])
    return see_other("/console/requests/contacts")
