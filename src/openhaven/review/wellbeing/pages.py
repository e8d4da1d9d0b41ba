"""Pictures, veiled and clear; one's own page with pauses, what one does not take, and the end."""

from collections.abc import Mapping

from openhaven import support
from openhaven.core import HARMS, Problem
from openhaven.review import choosing, looks, quality, shown, store
from openhaven.review.pages import subject
from openhaven.review.wellbeing import actions
from openhaven.review.wellbeing import store as own
from openhaven.web import Answer, Call, page, see_other

_MISSING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200" width="320" height="200">'
    b'<rect width="320" height="200" fill="#8a8378"/><text x="160" y="105" fill="#ffffff" '
    b'font-family="sans-serif" font-size="16" text-anchor="middle">Cannot be shown</text></svg>'
)


# Pictures -------------------------------------------------------------------------------------


def media(call: Call) -> Answer:
    """`GET /console/media/{id}`: the picture, blurred and grey."""
    return _picture(call, "veiled")


def media_clear(call: Call) -> Answer:
    """`GET /console/media/{id}/clear`: the picture, for the one who asked within half an hour."""
    with call.haven.db.read(call.now) as tx:
        asked = shown.is_clear(tx, call.path["id"], call.actor.id)
    if asked is None:
        raise Problem("media.veiled", "You have not asked to see this picture.", status=403,
                      next_step="Ask on the page of the task; it is recorded.")  # fmt: skip
    answer = _picture(call, asked.rendering, asked.side)
    if answer.type == "image/jpeg":
        with call.haven.db.begin(call.actor, call.now) as tx:
            actions.shown(tx, call.path["id"])
    return answer


def reveal(call: Call) -> Answer:
    """`POST /console/media/{id}/reveal`: record that I ask to see the picture, then show it."""
    media_id, form = call.path["id"], call.form()
    task_id = form.get("task", "")
    with call.haven.db.begin(call.actor, call.now) as tx:
        shown = subject(call, tx, store.task(tx, task_id))["pictures"]
        if media_id not in {one.id for one in shown}:
            raise Problem("media.unknown", "There is no such picture in this task.", status=404)
        actions.reveal(tx, media_id, task_id, form.get("rendering", "colour"),
                       call.haven.settings.wellbeing)  # fmt: skip
    match = form.get("match", "")
    if match.isascii() and match.isdigit():
        return see_other(f"/console/bank-matches/{match}")
    return see_other(f"/console/tasks/{task_id}#{media_id}")


def _picture(call: Call, rendering: str, side: int = looks.VEILED_SIDE) -> Answer:
    haven = call.haven
    kept = {"cache-control": "no-store"}
    try:
        with haven.db.read(call.now) as tx:
            media_id = call.path["id"]
            data = looks.picture(tx, haven.blobs, haven.hasher, media_id, rendering, side)
    except Problem:
        # The place of a picture is filled, so that the page around it stays usable.
        return Answer(200, _MISSING, "image/svg+xml", kept)
    return Answer(200, data, "image/jpeg", kept)


# One's own ------------------------------------------------------------------------------------


def me(call: Call) -> Answer:
    """`GET /console/me`: my pauses, what I do not take, and the end of my shift; for me alone."""
    return _me(call)


def take_pause(call: Call) -> Answer:
    """`POST /console/me/pause`: take a pause, or end one that I took myself."""
    minutes = call.form().get("minutes", "")
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            if minutes == "0":
                actions.go_on(tx)
            else:
                plain = minutes.isascii() and minutes.isdigit() and len(minutes) <= 4
                actions.pause(tx, int(minutes) if plain else 0)
    except Problem as problem:
        return _me(call, problem)
    return see_other("/console/me")


def choose(call: Call) -> Answer:
    """`POST /console/me/harms`: say which harms I do not take."""
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            actions.opt_out(tx, [code for code in HARMS if form.get(f"not.{code}")])
    except Problem as problem:
        return _me(call, problem)
    return see_other("/console/me")


def prefer(call: Call) -> Answer:
    """`POST /console/me/ways`: say which languages I read, and how little I want to see."""
    form = call.form()
    try:
        chosen = choosing.Choices(
            choosing.read_languages(form.get("languages", "")),
            **{name: bool(form.get(name)) for name in choosing.STRICTER},
        )
        with call.haven.db.begin(call.actor, call.now) as tx:
            choosing.choose(tx, chosen)
    except Problem as problem:
        return _me(call, problem, form)
    return see_other("/console/me")


def end(call: Call) -> Answer:
    """`POST /console/me/end`: give back what I hold, and see who is there for me."""
    with call.haven.db.begin(call.actor, call.now) as tx:
        given = actions.end_shift(tx)
        day = own.day(tx, call.actor.id)
        helps = support.find(tx, call.haven.settings.helplines.country, ["suicide"], "18-plus")
    return page(call, "review/shift.html", given=given, day=day, helps=helps[:3])


def _me(
    call: Call, problem: Problem | None = None, form: Mapping[str, str] | None = None
) -> Answer:
    staff = call.actor.id
    with call.haven.db.read(call.now) as tx:
        values = {
            "day": own.day(tx, staff),
            "pauses": own.pauses(tx, staff),
            "opted_out": own.avoided(tx, staff).opted_out,
            "spent": own.spent(tx, staff, call.haven.settings.wellbeing),
            "choices": choosing.choices(tx, staff),
            "fared": quality.own(tx, staff),
        }
    return page(call, "review/me.html", problem.status if problem else 200, **values,
                harms=HARMS, problem=problem, form=form or {})  # fmt: skip
