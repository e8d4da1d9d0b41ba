"""Pages for people to whom it happened: ask, look how far it is, take it back. Thin."""

from collections.abc import Mapping
from typing import Any, Literal

from openhaven import intake, survivors
from openhaven.core import Problem
from openhaven.core.words import mark
from openhaven.intake import Platform
from openhaven.intake.pages import item_given
from openhaven.review.store import task as task_of
from openhaven.storage import Tx
from openhaven.survivors.model import Age, lines
from openhaven.survivors.store import Made
from openhaven.survivors.watch.model import DAYS
from openhaven.web import Answer, Call, page, see_other
from openhaven.web.limits import site

# While a picture is chosen the page may send nothing by a script, and load nothing from elsewhere.
_STILL = {"content-security-policy": "connect-src 'none'; img-src 'self'; form-action 'self'"}


# Asking ---------------------------------------------------------------------------------------


def removal_form(call: Call) -> Answer:
    """`GET /removal`: the form to have a picture taken down; `?items=` fills it in."""
    return _form_page(call, "removal", call.query)


def removal_send(call: Call) -> Answer:
    """`POST /removal`: begin a request with its clock of 48 hours, and show its code once."""

    def ask(tx: Tx, platform: Platform, form: Mapping[str, str]) -> Made:
        given = [item_given(tx, platform, line) for line in lines(form.get("items", ""))]
        who: Literal["me", "other"] = "other" if form.get("who") == "other" else "me"
        asked = survivors.Removal(
            items=tuple(dict.fromkeys(filter(None, given))), who=who,
            shows=bool(form.get("shows")), consent=bool(form.get("consent")),
            signature=form.get("signature", "").strip()[:200], contact=_contact(form),
            text=form.get("text", "").strip(), age=_age(form),
        )  # fmt: skip
        return survivors.ask_removal(tx, platform, asked, site(call.client))

    return _send(call, "removal", ask)


def watch_form(call: Call) -> Answer:
    """`GET /watch`: the page on which a browser hashes a picture."""
    return _form_page(call, "watch", call.query)


def watch_send(call: Call) -> Answer:
    """`POST /watch`: let a hash be looked for, and show the code once."""

    def ask(tx: Tx, platform: Platform, form: Mapping[str, str]) -> Made:
        asked = survivors.Watch(
            pdq=_bytes(form.get("pdq", "")), quality=_number(form.get("quality", "")),
            days=_number(form.get("days", str(DAYS[-1]))), age=_age(form),
            mine=bool(form.get("mine")),
        )  # fmt: skip
        return survivors.ask_watch(tx, platform, asked, site(call.client))

    return _send(call, "watch", ask)


def threat_form(call: Call) -> Answer:
    """`GET /threat`: what to do when somebody threatens, at once; and a form, for who likes."""
    return _form_page(call, "threat", call.query)


def threat_send(call: Call) -> Answer:
    """`POST /threat`: take what somebody tells, call staff in danger, and show the code once."""

    def ask(tx: Tx, platform: Platform, form: Mapping[str, str]) -> Made:
        told = survivors.Threat(
            account=form.get("account", "").strip()[:200],
            item=item_given(tx, platform, form.get("item", "").strip()) or "",
            text=form.get("text", "").strip(), contact=_contact(form),
            danger=bool(form.get("danger")), age=_age(form),
        )  # fmt: skip
        return survivors.tell_threat(tx, platform, told, site(call.client))

    return _send(call, "threat", ask)


def _send(call: Call, kind: str, ask: Any) -> Answer:
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            platform = intake.platform_named(tx, form.get("platform", "default"))
            made: Made = ask(tx, platform, form)
    except Problem as problem:
        if problem.status >= 500:
            raise
        return _form_page(call, kind, form, problem)
    shown = "" if form.get("contact_by") == "none" else made.code
    topics = ("sextortion",) if kind == "threat" else ("intimate-images",)
    return page(call, "survivors/thanks.html", 201, code=shown, kind=kind, topics=topics,
                danger=bool(form.get("danger")), mailed=bool(_contact(form)))  # fmt: skip


def _form_page(
    call: Call, kind: str, values: Mapping[str, str], problem: Problem | None = None
) -> Answer:
    with call.haven.db.read(call.now) as tx:
        platforms = intake.platform_names(tx)
    made = page(call, f"survivors/{kind}.html", problem.status if problem else 200,
                values=values, platforms=platforms, problem=problem)  # fmt: skip
    return Answer(made.status, made.body, made.type, _STILL) if kind == "watch" else made


def _contact(form: Mapping[str, str]) -> str:
    """Return the e-mail address that was given for this; raises `Problem` for what is none."""
    given = form.get("contact", "").strip()
    if form.get("contact_by") != "email":
        return ""
    if intake.email_of(given) is None:
        raise Problem("request.contact", mark("This is no e-mail address."),
                      next_step=mark("Mend it, or choose the secret link."))  # fmt: skip
    return given


def _age(form: Mapping[str, str]) -> Age:
    given = form.get("age", "")
    return "child" if given == "child" else "adult" if given == "adult" else "unsaid"


def _bytes(given: str) -> bytes:
    try:
        return bytes.fromhex(given.strip()) if len(given) <= 80 else b""
    except ValueError:
        return b""


def _number(given: str) -> int:
    plain = given.isascii() and given.isdigit() and len(given) <= 4
    return int(given) if plain else -1


# For staff ------------------------------------------------------------------------------------


def name_them(call: Call) -> Answer:
    """`POST /console/tasks/{id}/name`: say whom a cry for help is about."""
    form = call.form()
    with call.haven.db.begin(call.actor, call.now) as tx:
        platform = intake.platform_named(tx, task_of(tx, call.path["id"]).platform_id)
        survivors.name_them(
            tx, call.path["id"], account=form.get("account", "").strip()[:200],
            item=item_given(tx, platform, form.get("item", "").strip()) or "",
        )  # fmt: skip
    return see_other("/console")


# Looking and taking back ----------------------------------------------------------------------


def code_form(call: Call) -> Answer:
    """`GET /request`: ask for the code."""
    return page(call, "survivors/code.html", wrong=False)


def code_send(call: Call) -> Answer:
    """`POST /request`: show how far the request with this code is, without naming it in the URL."""
    try:
        return _status_page(call, call.form().get("code", ""))
    except Problem as problem:
        if problem.status != 404:
            raise
        return page(call, "survivors/code.html", 404, wrong=True)


def request(call: Call) -> Answer:
    """`GET /request/{code}`: how far it is, and what came of it."""
    return _status_page(call, call.path["code"])


def withdraw(call: Call) -> Answer:
    """`POST /request/{code}/withdraw`: take the request back."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        survivors.withdraw(tx, call.path["code"])
    return see_other(f"/request/{call.path['code']}")


def meet(call: Call) -> Answer:
    """`POST /request/{code}/meet`: let contact begin again that was frozen."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        whose = survivors.lift_freeze(tx, call.path["code"])
    call.haven.protections.snapshot.forget(*whose)
    return see_other(f"/request/{call.path['code']}")


def _status_page(call: Call, code: str) -> Answer:
    with call.haven.db.read(call.now) as tx:
        found = survivors.status(tx, code)
    return page(call, "survivors/status.html", status=found, code=code.strip().lower())
