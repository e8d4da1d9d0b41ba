"""The pages on which one tries what may happen, and sees one's settings."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from openhaven.client import Refused, Unreachable
from plaza import safety, store, words
from plaza.actions import Unfit
from plaza.pages import Call, Handler, page, to

_AWAY = "Openhaven cannot be asked just now. Nothing was changed."


def people(call: Call) -> Response:
    """List the people whom this person may find."""
    me = call.person()
    others = [who for who in store.accounts(call.house.store) if who.id != me.id]
    found = call.house.safety.open_to("profile.discover", me, others)
    return page(call, "people.html", people=found)


def try_form(call: Call) -> Response:
    """Show what can be tried, what one has tried, and what others have tried with oneself."""
    me, house = call.person(), call.house
    others = [who for who in store.accounts(house.store) if who.id != me.id]
    return page(
        call, "safety.html", others=others, with_them=safety.WITH,
        alone=safety.ALONE | safety.SHOWN, what=safety.WORDS, contents=safety.CONTENT,
        tried=store.deeds_by(house.store, me.id), told=store.deeds_told(house.store, me.id),
        topics=words.topics, age_page=house.safety.age_page(me),
        whom=call.request.query_params.get("with", ""),
    )  # fmt: skip


def try_it(call: Call) -> Response:
    """Try one thing; what comes of it stands on the page for each side."""
    me, form = call.voice(), call.form
    action, hour = form.get("action", ""), form.get("hour", "12")
    content = form.get("content", "general")
    if action not in safety.WORDS or not hour.isdigit() or int(hour) > 23:
        raise Unfit("That is not possible.")
    if content not in safety.CONTENT:
        raise Unfit("That is not possible.")
    other = call.account(form.get("other", "")) if action in safety.WITH else None
    if other is not None and other.id == me.id:
        raise Unfit("That is not possible.")
    call.house.safety.attempt(action, me, other, hour=int(hour), content=content)
    return to(f"/safety?with={form.get('other', '')}#mine")


def reply(call: Call) -> Response:
    """Say yes or no to what somebody asked."""
    me = call.person()
    deed = store.deed(call.house.store, int(call.id) if call.id.isdigit() else 0)
    if deed is None or deed.other != me.id or deed.code != "asked":
        raise HTTPException(404)
    call.house.safety.reply(me, deed, yes=call.form.get("say") == "yes")
    return to("/safety")


def settings(call: Call) -> Response:
    """Show what holds for oneself, why, and what one may change."""
    return _settings(call)


def change(call: Call) -> Response:
    """Change one setting; what opens it is explained first."""
    me, form = call.person(), call.form
    feature, value = form.get("feature", ""), form.get("value", "")
    try:
        call.house.safety.client.set_setting(
            me.id, feature, value, "holder", explained=form.get("explained") == "yes"
        )
    except Refused as refused:
        if refused.code == "protection.explain":
            return _settings(call, feature, value)
        raise Unfit(str(refused)) from refused
    except Unreachable as error:
        raise Unfit(_AWAY) from error
    return to("/safety/settings")


def _settings(call: Call, feature: str = "", value: str = "") -> Response:
    me = call.person()
    values: dict[str, Any] = {"held": None, "wanted": None, "value": value, "names": words.FEATURES}
    try:
        held = call.house.safety.client.settings(me.id, me.language)
        values["held"] = held
        values["wanted"] = next((one for one in held.settings if one.feature == feature), None)
    except (Refused, Unreachable):
        values["held"] = None
    return page(call, "settings.html", **values)


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/people", people),
    ("GET", "/safety", try_form),
    ("POST", "/safety", try_it),
    ("POST", "/safety/{id}/reply", reply),
    ("GET", "/safety/settings", settings),
    ("POST", "/safety/settings", change),
]
