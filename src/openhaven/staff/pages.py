"""Signing in and out: pages, thin."""

from openhaven.core import Problem, permits, system
from openhaven.staff import attempts, passwords
from openhaven.staff.actions import dead_link, session, sign_in, sign_out
from openhaven.staff.model import ABSOLUTE, device_of
from openhaven.staff.passkeys import site_of
from openhaven.staff.store import link_works
from openhaven.staff.views import device_token, let_in, welcome
from openhaven.web import Answer, Call, page, see_other
from openhaven.web.limits import site as place
from openhaven.web.security import asked_page, cookie_name, session_cookie

_DOOR = system("sign-in")


def sign_in_page(call: Call) -> Answer:
    """`GET /sign-in`: every way in that there is."""
    return _sign_in_page(call)


def with_password(call: Call) -> Answer:
    """`POST /sign-in`: sign in with a name, a password and a code.

    The attempt is counted first, by the name as typed; which of the three was wrong nobody learns.
    """
    form, settings = call.form(), call.haven.settings
    if not settings.sign_in.passwords:
        off = Problem("password.off", "Passwords are not used here.", status=403)
        return _sign_in_page(call, off)
    name, where, device = form.get("name", ""), place(call.client), device_token(call)
    try:
        with call.haven.db.begin(_DOOR, call.now) as tx:
            attempts.take(tx, name, where, device)
        with call.haven.db.begin(_DOOR, call.now) as tx:
            member = passwords.sign_in(tx, name, form.get("password", ""), form.get("code", ""))
            if member is None:
                raise _wrong()
            attempts.succeeded(tx, name, where, device)
            cookies = let_in(call, tx, member, "password")
    except Problem as problem:
        return _sign_in_page(call, problem, name)
    return welcome(call, member, cookies)


def confirm(call: Call) -> Answer:
    """`GET /sign-in/{token}`: show a button.

    Looking uses nothing up, because mail programs and chats open links by themselves.
    """
    with call.haven.db.read(call.now) as tx:
        if not link_works(tx, call.path["token"]):
            raise dead_link()
    return page(call, "web/sign_in_confirm.html")


def enter(call: Call) -> Answer:
    """`POST /sign-in/{token}`: use the link up, set the cookie, go to where they were going."""
    settings = call.haven.settings
    device = device_of(call.headers.get("user-agent", ""))
    with call.haven.db.begin(call.actor, call.now) as tx:
        former = call.cookies.get(cookie_name(settings), "")
        member, secret = sign_in(tx, call.path["token"], former, device)
    cookie = session_cookie(settings, secret, int(ABSOLUTE.total_seconds()))
    first = "/console" if permits(member.roles, "queue.read") else "/console/decisions"
    return see_other(asked_page(settings, call.cookies, first), {"set-cookie": cookie})


def leave(call: Call) -> Answer:
    """`POST /sign-out`: end the session and remove the cookie."""
    settings = call.haven.settings
    secret = call.cookies.get(cookie_name(settings), "")
    with call.haven.db.begin(call.actor, call.now) as tx:
        living = session(tx, secret)
        sign_out(tx, secret)
    gone = {"set-cookie": session_cookie(settings, "", 0)}
    service = call.haven.oidc if living is not None and living.method == "oidc" else None
    way = service.way_out(f"{settings.url}/sign-in") if service else ""
    if service is None or not way:
        return see_other("/sign-in", gone)
    # A form may not lead to another site (the policy of our pages), so a link does.
    call.staff = call.session = None
    found = page(call, "staff/left.html", where=way, service_name=service.name)
    return Answer(200, found.body, found.type, {**found.headers, **gone})


def _sign_in_page(call: Call, problem: Problem | None = None, name: str = "") -> Answer:
    oidc, settings = call.haven.oidc, call.haven.settings
    status = problem.status if problem else 200
    return page(call, "web/sign_in.html", status, problem=problem, name=name,
                  site=site_of(settings), service_name=oidc.name if oidc else "",
                  passwords=settings.sign_in.passwords)  # fmt: skip


def _wrong() -> Problem:
    return Problem("sign-in.wrong", "That did not fit.", status=401,
                   detail="The name, the password or the code is not right.",
                   next_step="Codes of the app work once, and for half a minute.")  # fmt: skip
