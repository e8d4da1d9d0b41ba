"""Caring for somebody young: they name who cares for them, and whoever does sees no content.

Openhaven keeps who cares for whom and refuses what a carer may not do; Plaza keeps the same list
only to show each side the other's name.
"""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from openhaven.client import Refused, Unreachable
from plaza import store, words
from plaza.actions import Unfit
from plaza.model import Account
from plaza.pages import Call, Handler, page, to
from plaza.store import Store

_AWAY = "Openhaven cannot be asked just now. Nothing was changed."
_ADULT = "18-plus"


def carers_of(kept: Store, child: str) -> list[Account]:
    """Return who cares for this person."""
    sql = "SELECT a.* FROM carers c JOIN accounts a ON a.id = c.carer WHERE c.child = ?"
    return kept.all(Account, sql, child)


def cared_for_by(kept: Store, carer: str) -> list[Account]:
    """Return whom this person cares for."""
    sql = "SELECT a.* FROM carers c JOIN accounts a ON a.id = c.child WHERE c.carer = ?"
    return kept.all(Account, sql, carer)


def overview(call: Call) -> Response:
    """Show who cares for oneself, and whom one cares for."""
    me, kept = call.person(), call.house.store
    adults = [who for who in store.accounts(kept) if who.age_band == _ADULT and who.id != me.id]
    return page(call, "care.html", carers=carers_of(kept, me.id), adults=adults,
                cared=cared_for_by(kept, me.id), grown=me.age_band == _ADULT)  # fmt: skip


def name(call: Call) -> Response:
    """Name an adult who cares for oneself."""
    me, other = call.person(), call.account(call.form.get("carer", ""))
    if me.age_band == _ADULT or other.age_band != _ADULT:
        raise Unfit("Somebody young can name an adult.")
    _ask(lambda: call.house.safety.client.add_carer(me.id, other.id))
    with call.house.store.begin() as db:
        db.execute("INSERT OR IGNORE INTO carers (child, carer) VALUES (?, ?)", (me.id, other.id))
    return to("/care")


def end(call: Call) -> Response:
    """End it, from either side: `id` is the other one."""
    me, other, kept = call.person(), call.account(call.id), call.house.store
    for child, carer in ((me, other), (other, me)):
        if carer.id in {who.id for who in carers_of(kept, child.id)}:
            _end(call, child.id, carer.id)
    return to("/care")


def _end(call: Call, child: str, carer: str) -> None:
    _ask(lambda: call.house.safety.client.remove_carer(child, carer))
    with call.house.store.begin() as db:
        db.execute("DELETE FROM carers WHERE child = ? AND carer = ?", (child, carer))


def view(call: Call) -> Response:
    """Show a carer what holds for the young person: settings alone, and nothing they wrote."""
    me, child = call.person(), _child(call)
    values: dict[str, Any] = {"held": None, "child": child, "names": words.FEATURES}
    try:
        values["held"] = call.house.safety.client.settings(child.id, me.language)
    except (Refused, Unreachable):
        values["held"] = None
    return page(call, "cared.html", **values)


def close(call: Call) -> Response:
    """Close something further for the young person, who sees that; opening is refused."""
    me, child = call.person(), _child(call)
    feature, value = call.form.get("feature", ""), call.form.get("value", "")
    client = call.house.safety.client
    _ask(lambda: client.set_setting(child.id, feature, value, "carer", carer=me.id))
    return to(f"/care/{child.id}")


def _child(call: Call) -> Account:
    """Return the one whom this person cares for, or answer 404."""
    me = call.person()
    found = [who for who in cared_for_by(call.house.store, me.id) if who.id == call.id]
    if not found:
        raise HTTPException(404)
    return found[0]


def _ask(do: Any) -> None:
    try:
        do()
    except Refused as refused:
        raise Unfit(str(refused)) from refused
    except Unreachable as error:
        raise Unfit(_AWAY) from error


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/care", overview),
    ("POST", "/care", name),
    ("GET", "/care/{id}", view),
    ("POST", "/care/{id}", close),
    ("POST", "/care/{id}/end", end),
]
