"""Passkeys over HTTP: what `static/passkeys.js` sends for a browser, each in two steps."""

from typing import Any

import msgspec

from openhaven.core import system
from openhaven.staff import ceremonies, passkeys
from openhaven.staff.ceremonies import Kind
from openhaven.staff.passkeys.checking import refused
from openhaven.staff.passkeys.store import credentials_of
from openhaven.staff.views import OWN, first_page, let_in, need_site, page_after, proven, signed_in
from openhaven.web import Answer, Call, as_json, fresh
from openhaven.web.security import check_origin

_DOOR = system("sign-in")


class Begun(msgspec.Struct):
    """A step that was begun: its secret, and what the browser is to ask the passkey."""

    step: str
    options: dict[str, Any]


class NewPasskey(msgspec.Struct):
    """A passkey that the browser has made, and what its owner calls it."""

    step: str
    credential: passkeys.Made
    name: str = ""


class ShownPasskey(msgspec.Struct):
    """What a passkey has signed, and where to go then."""

    step: str
    credential: passkeys.Signed
    then: str = ""


class Go(msgspec.Struct):
    """Where the browser goes next."""

    go: str


def begin_sign_in(call: Call) -> Answer:
    """`POST /sign-in/passkey/begin`: a challenge for whoever has a passkey here."""
    check_origin(call)
    return _begun(call, "passkey", None)


def end_sign_in(call: Call) -> Answer:
    """`POST /sign-in/passkey`: sign in with what a passkey signed."""
    check_origin(call)
    shown = call.json(ShownPasskey)
    challenge = _used(call, shown.step, "passkey", None)
    with call.haven.db.begin(_DOOR, call.now) as tx:
        member = passkeys.sign_in(tx, need_site(call), challenge, shown.credential)
        cookies = () if member is None else let_in(call, tx, member, "passkey")
    if member is None:
        raise refused()
    answer = as_json(Go(first_page(call, member)))
    return Answer(answer.status, answer.body, answer.type, answer.headers, cookies=cookies)


def begin_adding(call: Call) -> Answer:
    """`POST /console/account/passkeys/begin`: a challenge for a new passkey of one's own."""
    member, _ = signed_in(call)
    site, service = need_site(call), call.haven.settings.service_name
    fresh(call)
    with call.haven.db.begin(call.actor, call.now) as tx:
        step = ceremonies.begin(tx, "add", member.id)
        challenge = ceremonies.derived(tx, step, "challenge")
        known = credentials_of(tx, member.id)
    options = passkeys.asked_to_make(site, service, challenge, member.id, member.name, known)
    return as_json(Begun(step, options))


def end_adding(call: Call) -> Answer:
    """`POST /console/account/passkeys`: keep a passkey that was just made."""
    member, _ = signed_in(call)
    new = call.json(NewPasskey)
    fresh(call)
    challenge = _used(call, new.step, "add", member.id)
    with call.haven.db.begin(call.actor, call.now) as tx:
        passkeys.add(tx, member, need_site(call), challenge, new.credential, new.name)
    return as_json(Go(OWN), 201)


def begin_confirming(call: Call) -> Answer:
    """`POST /console/confirm/passkey/begin`: a challenge for a passkey of one's own."""
    return _begun(call, "confirm", signed_in(call)[0].id)


def end_confirming(call: Call) -> Answer:
    """`POST /console/confirm/passkey`: show once more that it is oneself."""
    member, session = signed_in(call)
    shown = call.json(ShownPasskey)
    challenge = _used(call, shown.step, "confirm", member.id)
    with call.haven.db.begin(call.actor, call.now) as tx:
        fits = passkeys.proves(tx, member, need_site(call), challenge, shown.credential)
        cookie = proven(call, tx, session) if fits else ""
    if not fits:
        raise refused()
    return as_json(Go(page_after(shown.then)), headers={"set-cookie": cookie})


def _begun(call: Call, kind: Kind, staff: str | None) -> Answer:
    site = need_site(call)
    with call.haven.db.begin(_DOOR, call.now) as tx:
        step = ceremonies.begin(tx, kind, staff)
        challenge = ceremonies.derived(tx, step, "challenge")
        known = credentials_of(tx, staff) if staff else []
    return as_json(Begun(step, passkeys.asked_to_sign(site, challenge, known)))


def _used(call: Call, step: str, kind: Kind, staff: str | None) -> bytes:
    """Use a step up and return its challenge; committed whatever follows, so it works once."""
    with call.haven.db.begin(_DOOR, call.now) as tx:
        ceremonies.use(tx, step, kind, staff)
        return ceremonies.derived(tx, step, "challenge")
