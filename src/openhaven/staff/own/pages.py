"""One's own sign-in, for oneself alone: pages, thin."""

from openhaven.core import Permission, Problem
from openhaven.core.permissions import TAKEABLE
from openhaven.staff import attempts, ceremonies, glass, oidc, passkeys, passwords
from openhaven.staff.actions import end_session, end_sessions, renew_session
from openhaven.staff.glass.model import span
from openhaven.staff.model import METHODS
from openhaven.staff.passkeys import site_of
from openhaven.staff.store import sessions_of
from openhaven.staff.views import OWN, page_after, proven, signed_in
from openhaven.web import Answer, Call, Refusal, fresh, page, see_other
from openhaven.web.limits import site as place
from openhaven.web.security import session_cookie


def account(call: Call) -> Answer:
    """`GET /console/account`: how one signs in, and where one is signed in."""
    return _account(call)


def _account(call: Call, problem: Problem | None = None, codes: list[str] | None = None) -> Answer:
    member, session = signed_in(call)
    settings = call.haven.settings
    with call.haven.db.read(call.now) as tx:
        values = {
            "keys": passkeys.passkeys_of(tx, member.id),
            "standing": passwords.standing(tx, member.id),
            "connected": oidc.is_connected(tx, member.id),
            "sessions": sessions_of(tx, member.id),
            "taken": glass.breaks(tx, staff=member.id, most=10),
        }
    return page(call, "staff/account.html", problem.status if problem else 200, **values,
                problem=problem, codes=codes or [], methods=METHODS, here=session.id,
                site=site_of(settings), fresh=session.fresh(call.now),
                service_name=call.haven.oidc.name if call.haven.oidc else "",
                may_have=settings.sign_in.passwords, spans=glass.SPANS,
                lacking=[one for one in TAKEABLE if not call.may(_permission(one))])  # fmt: skip


def _permission(name: str) -> Permission:
    """Return a permission by its name; raises `Problem` (400) for one that cannot be taken."""
    if name not in TAKEABLE:
        raise Problem("glass.permission", "This cannot be taken in need.", status=400)
    return name  # type: ignore[return-value]


# Passkeys, password, sessions -------------------------------------------------------------------


def remove_passkey(call: Call) -> Answer:
    """`POST /console/account/passkeys/{id}/remove`: forget one of one's passkeys."""
    fresh(call)
    member, _ = signed_in(call)
    with call.haven.db.begin(call.actor, call.now) as tx:
        passkeys.remove(tx, member, call.path["id"])
    return see_other(OWN)


def password_form(call: Call) -> Answer:
    """`POST /console/account/password`: the form for a password, with a new second factor."""
    fresh(call)
    member, _ = signed_in(call)
    with call.haven.db.begin(call.actor, call.now) as tx:
        step = ceremonies.begin(tx, "password", member.id)
    return _password_form(call, step)


def _password_form(call: Call, step: str, problem: Problem | None = None) -> Answer:
    member, _ = signed_in(call)
    if not call.haven.settings.sign_in.passwords:
        raise Refusal("password.off", "Passwords are not used here.", status=403)
    with call.haven.db.read(call.now) as tx:
        factor = _factor(ceremonies.derived(tx, step, "factor"))
    address = passwords.address(factor, call.haven.settings.service_name, member.name)
    return page(call, "staff/password.html", problem.status if problem else 200, step=step,
                address=address, picture=passwords.drawn(address), problem=problem,
                spoken=passwords.spoken(factor))  # fmt: skip


def keep_password(call: Call) -> Answer:
    """`POST /console/account/password/keep`: keep a password; show the printed codes, once.

    A mistake leads back to the same picture: nobody has to teach the app a second time.
    """
    fresh(call)
    member, session = signed_in(call)
    form, haven = call.form(), call.haven
    step = form.get("step", "")
    try:
        with haven.db.begin(call.actor, call.now) as tx:
            ceremonies.use(tx, step, "password", member.id)
            factor = _factor(ceremonies.derived(tx, step, "factor"))
            password = _same(form.get("password", ""), form.get("again", ""))
            codes = passwords.keep(tx, member, password, factor, form.get("code", ""),
                                   haven.settings.service_name)  # fmt: skip
            end_sessions(tx, member, but=session.id)
    except Problem as problem:
        if problem.code == "step.over":
            raise
        return _password_form(call, step, problem)
    return _account(call, codes=codes)


def new_codes(call: Call) -> Answer:
    """`POST /console/account/codes`: end the printed codes, and show new ones, once."""
    fresh(call)
    member, _ = signed_in(call)
    with call.haven.db.begin(call.actor, call.now) as tx:
        if passwords.standing(tx, member.id) is None:
            raise Refusal("password.none", "You have no password.", status=409)
        codes = passwords.new_codes(tx, member)
    return _account(call, codes=codes)


def remove_password(call: Call) -> Answer:
    """`POST /console/account/password/remove`: sign in without a password from now on."""
    fresh(call)
    member, _ = signed_in(call)
    with call.haven.db.begin(call.actor, call.now) as tx:
        passwords.remove(tx, member)
    return see_other(OWN)


def end_one(call: Call) -> Answer:
    """`POST /console/account/sessions/{id}/end`: sign out in another browser."""
    member, session = signed_in(call)
    with call.haven.db.begin(call.actor, call.now) as tx:
        if call.path["id"] != session.id:
            end_session(tx, member, call.path["id"])
    return see_other(OWN)


def end_others(call: Call) -> Answer:
    """`POST /console/account/sessions/end-others`: sign out in every other browser."""
    member, session = signed_in(call)
    with call.haven.db.begin(call.actor, call.now) as tx:
        end_sessions(tx, member, but=session.id)
    return see_other(OWN)


# Showing once more who one is -------------------------------------------------------------------


def confirm_form(call: Call) -> Answer:
    """`GET /console/confirm`: every way to show once more that it is oneself."""
    return _confirm_form(call, page_after(call.query.get("then", "")))


def _confirm_form(call: Call, then: str, problem: Problem | None = None) -> Answer:
    member, session = signed_in(call)
    with call.haven.db.read(call.now) as tx:
        keys = passkeys.passkeys_of(tx, member.id)
        standing = passwords.standing(tx, member.id)
        connected = call.haven.oidc is not None and oidc.is_connected(tx, member.id)
    return page(call, "staff/confirm.html", problem.status if problem else 200, then=then,
                keys=keys, standing=standing, connected=connected, problem=problem,
                site=site_of(call.haven.settings), fresh=session.fresh(call.now),
                service_name=call.haven.oidc.name if call.haven.oidc else "")  # fmt: skip


def confirm(call: Call) -> Answer:
    """`POST /console/confirm`: with one's password and a code."""
    member, session = signed_in(call)
    form = call.form()
    then, where = page_after(form.get("then", "")), place(call.client)
    # Counted apart: whatever strangers try at the door, nobody inside waits for it.
    counted = member.id, where, "", "confirm"
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            attempts.take(tx, *counted)
        with call.haven.db.begin(call.actor, call.now) as tx:
            given = form.get("password", ""), form.get("code", "")
            if not passwords.confirmed(tx, member, *given):
                raise Problem("confirm.wrong", "The password or the code is not right.", status=403)
            attempts.succeeded(tx, *counted)
            cookie = proven(call, tx, session)
    except Problem as problem:
        return _confirm_form(call, then, problem)
    return see_other(then, {"set-cookie": cookie})


# Permissions taken in need ----------------------------------------------------------------------


def take_glass(call: Call) -> Answer:
    """`POST /console/account/glass`: take a permission that one lacks, for a while."""
    fresh(call)
    member, session = signed_in(call)
    form = call.form()
    try:
        with call.haven.db.begin(call.actor, call.now) as tx:
            wanted, length = _permission(form.get("permission", "")), span(form.get("minutes", ""))
            glass.take(tx, member, wanted, form.get("reason", ""), length)
            secret = renew_session(tx, session)
    except Problem as problem:
        return _account(call, problem)
    left = max(1, int((session.expires_at - call.now).total_seconds()))
    return see_other(OWN, {"set-cookie": session_cookie(call.haven.settings, secret, left)})


def give_back(call: Call) -> Answer:
    """`POST /console/account/glass/{id}/give-back`: give a permission back before its time."""
    member, _ = signed_in(call)
    with call.haven.db.begin(call.actor, call.now) as tx:
        glass.give_back(tx, member, call.path["id"])
    return see_other(OWN)


def _same(password: str, again: str) -> str:
    if password != again:
        raise Problem("password.differs", "The two passwords are not the same.", status=400)
    return password


def _factor(derived: bytes) -> bytes:
    """Return the secret of an app from what a step has for it: 20 bytes, as apps expect."""
    return derived[:20]
