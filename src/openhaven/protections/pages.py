"""Pages about ages: for the person whose age it is, and for the reviewer who decides. Thin."""

from typing import Any, cast

from openhaven.core import AgeBand, Problem
from openhaven.intake import platform_named
from openhaven.protections import accounts, appeals
from openhaven.protections.model import BANDS
from openhaven.web import Answer, Call, page, see_other

# For people -----------------------------------------------------------------------------------


def age_page(call: Call) -> Answer:
    """`GET /age/{token}`: how old an account is taken to be, and where to say that it is wrong."""
    return _age_page(call)


def age_send(call: Call) -> Answer:
    """`POST /age/{token}`: store an appeal."""
    form = call.form()
    band, text = form.get("band", ""), form.get("text", "")
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            whose = appeals.account_of_token(tx, call.path["token"])
            appeals.appeal(tx, whose.platform, whose.id, cast("AgeBand", band), text)
    except Problem as problem:
        if problem.status == 404:
            raise
        return _age_page(call, problem, band, text)
    return see_other(f"/age/{call.path['token']}")


def _age_page(call: Call, problem: Problem | None = None, band: str = "", text: str = "") -> Answer:
    with call.haven.db.read(call.now) as tx:
        whose = appeals.account_of_token(tx, call.path["token"])
        age = accounts.age_of(tx, call.haven.protections.defaults, whose.platform, whose.id)
        found = appeals.appeals_of(tx, whose.subject)
    values: dict[str, Any] = {
        "age": age, "bands": BANDS, "appeal": found[0] if found else None, "problem": problem,
        "chosen": band, "band": age.band, "text": text, "topics": ("child",) if age.minor else (),
    }  # fmt: skip
    return page(call, "protections/age.html", problem.status if problem else 200, **values)


# For staff ------------------------------------------------------------------------------------


def age_list(call: Call) -> Answer:
    """`GET /console/ages`: the appeals against an age that wait, the most urgent first."""
    with call.haven.db.read(call.now) as tx:
        return page(call, "protections/ages.html", appeals=appeals.open_appeals(tx))


def age_task(call: Call) -> Answer:
    """`GET /console/ages/{id}`: one appeal, with all that is said of this age."""
    return _task(call)


def age_decide(call: Call) -> Answer:
    """`POST /console/ages/{id}`: say which band counts, and why."""
    form = call.form()
    said, reasons = form.get("band", ""), form.get("reasons", "")
    held = call.haven.protections
    try:
        band = _band(said)
        with call.haven.db.begin(call.actor, call.now) as tx:
            found = appeals.appeal_of(tx, call.path["id"])
            appeals.decide(tx, held.defaults, found.id, band, reasons)
    except Problem as problem:
        if problem.status == 404:
            raise
        return _task(call, problem, said, reasons)
    held.snapshot.forget(found.platform, found.account)
    return see_other("/console/ages")


def _band(said: str) -> AgeBand | None:
    """Return the band that was chosen, None for "it stays"; raises `Problem` (400) for neither."""
    if said != "stays" and said not in BANDS:
        raise Problem("age_appeal.band", "Choose what counts.",
                      next_step="Choose one of the bands, or that it stays.")  # fmt: skip
    return None if said == "stays" else said  # type: ignore[return-value]


def _task(call: Call, problem: Problem | None = None, said: str = "", reasons: str = "") -> Answer:
    with call.haven.db.read(call.now) as tx:
        found = appeals.appeal_of(tx, call.path["id"])
        profile = accounts.profile_of(tx, found.platform, found.account)
        age = accounts.age_of(tx, call.haven.protections.defaults, found.platform, found.account)
        values: dict[str, Any] = {
            "appeal": found, "age": age, "evidence": profile.evidence, "bands": BANDS,
            "platform": platform_named(tx, found.platform),
            "before": [one for one in appeals.appeals_of(tx, found.subject) if one != found],
            "problem": problem, "said": said, "reasons": reasons,
        }  # fmt: skip
    return page(call, "protections/age_task.html", problem.status if problem else 200, **values)
