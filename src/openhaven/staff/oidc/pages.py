"""To the sign-in service and back: pages, thin."""

from datetime import UTC, datetime
from typing import Literal

from openhaven.core import Problem, system
from openhaven.staff import ceremonies, oidc
from openhaven.staff.actions import session
from openhaven.staff.model import Member, Session
from openhaven.staff.oidc.model import LEEWAY
from openhaven.staff.oidc.provider import verifier_from
from openhaven.staff.views import OWN, let_in, page_after, proven, signed_in, welcome
from openhaven.storage import Tx
from openhaven.web import Answer, Call, fresh, page, see_other
from openhaven.web.security import cookie_name, step_cookie, step_name

Purpose = Literal["oidc", "connect", "prove"]
_PURPOSES: dict[str, Purpose] = {"oidc": "oidc", "connect": "connect", "prove": "prove"}
_DOOR = system("sign-in")
_MINUTES = 10
# Whoever proved who they are must have done so after we asked; clocks differ a little.
_SINCE_S = _MINUTES * 60 + 60


def go(call: Call) -> Answer:
    """`GET /sign-in/service`: begin, and send the browser to the service."""
    where, cookie = _begun(call, "oidc", None)
    return see_other(where, {"set-cookie": cookie})


def connect(call: Call) -> Answer:
    """`POST /console/account/service`: begin to let the service speak for oneself.

    A form may not lead to another site (the policy of our pages), so a link does.
    """
    fresh(call)
    return _onwards(call, "connect")


def prove(call: Call) -> Answer:
    """`POST /console/confirm/service`: have the service ask once more who one is."""
    return _onwards(call, "prove")


def disconnect(call: Call) -> Answer:
    """`POST /console/account/service/remove`: let the service speak for oneself no more."""
    fresh(call)
    member, _ = signed_in(call)
    with call.haven.db.begin(call.actor, call.now) as tx:
        oidc.disconnect(tx, member)
    return see_other(OWN)


def back(call: Call) -> Answer:
    """`GET /sign-in/service/back`: what the service says of somebody who began here."""
    settings = call.haven.settings
    purpose, _, secret = call.cookies.get(step_name(settings, "service"), "").partition(".")
    gone = step_cookie(settings, "service", "", 0)
    who, holder = _heard(call, purpose, secret)
    if holder is None:
        return _entered(call, who, gone)
    member, living = holder
    with call.haven.db.begin(member.actor, call.now) as tx:
        if purpose == "connect":
            oidc.connect(tx, member, who)
            return see_other(OWN, {"set-cookie": gone})
        _check_again(call, tx, member, who)
        cookie = proven(call, tx, living)
    answer = see_other(page_after(OWN))
    return Answer(answer.status, b"", answer.type, answer.headers, cookies=(cookie, gone))


def ended(call: Call) -> Answer:
    """`POST /sign-in/service/end`: the service tells us that somebody signed out there.

    It is a program that asks, without a browser (Back-Channel Logout 1.0, section 2.5).
    """
    service = _service(call)
    token = call.form().get("logout_token", "")
    subject, at = service.ended(token, call.now)
    until = datetime.fromtimestamp(at + LEEWAY, UTC)
    with call.haven.db.begin(_DOOR, call.now) as tx:
        oidc.end(tx, service.settings.issuer, subject, until)
    return Answer(200, b"", "text/plain; charset=utf-8", {"cache-control": "no-store"})


def _entered(call: Call, who: oidc.Who, gone: str) -> Answer:
    with call.haven.db.begin(_DOOR, call.now) as tx:
        member = oidc.sign_in(tx, who, call.haven.settings.oidc.roles)
        cookies = () if member is None else let_in(call, tx, member, "oidc")
    if member is None:
        raise Problem("oidc.nobody", "The sign-in service knows you; here you have no role.",
                      status=403, next_step="Ask an administrator.")  # fmt: skip
    return welcome(call, member, (*cookies, gone))


def _heard(call: Call, purpose: str, secret: str) -> tuple[oidc.Who, tuple[Member, Session] | None]:
    """Return of whom the service speaks, and who is signed in when they began that so.

    The step is used up before anything else, so that an answer counts once.
    """
    begun = _PURPOSES.get(purpose)
    if begun is None:
        raise _not_begun()
    service = _service(call)
    with call.haven.db.begin(_DOOR, call.now) as tx:
        holder = None if begun == "oidc" else _signed_in(call, tx)
        ceremonies.use(tx, secret, begun, holder[0].id if holder else None)
        state, nonce, verifier = _derived(tx, secret)
    if call.query.get("state", "") != state:
        raise _not_begun()
    if call.query.get("iss", call.haven.settings.oidc.issuer) != call.haven.settings.oidc.issuer:
        raise _not_begun()
    code = call.query.get("code", "")
    if not code or len(code) > 4_000:
        raise Problem("oidc.stopped", "The sign-in service did not let you in.", status=403,
                      next_step="Go back and begin again, or sign in in another way.")  # fmt: skip
    return service.redeem(code, verifier, _back(call), nonce, call.now), holder


def _signed_in(call: Call, tx: Tx) -> tuple[Member, Session]:
    secret = call.cookies.get(cookie_name(call.haven.settings), "")
    living = session(tx, secret) if secret else None
    if living is None:
        raise Problem("staff.unknown", "You are not signed in.", status=401)
    return living.member, living


def _check_again(call: Call, tx: Tx, member: Member, who: oidc.Who) -> None:
    """Make sure that it is the same person, who proved it to the service just now."""
    if oidc.holder(tx, who) != member.id:
        raise Problem("oidc.other", "The service speaks of somebody else.", status=403)
    if who.since is None or who.since < call.now.timestamp() - _SINCE_S:
        raise Problem("oidc.stale", "The service did not ask again who you are.", status=403,
                      next_step="Confirm in another way.")  # fmt: skip


def _onwards(call: Call, purpose: Purpose) -> Answer:
    member, _ = signed_in(call)
    where, cookie = _begun(call, purpose, member.id)
    found = page(call, "staff/onwards.html", where=where, service_name=_service(call).name)
    return Answer(200, found.body, found.type, {**found.headers, "set-cookie": cookie})


def _begun(call: Call, purpose: Purpose, staff: str | None) -> tuple[str, str]:
    service = _service(call)
    with call.haven.db.begin(_DOOR, call.now) as tx:
        secret = ceremonies.begin(tx, purpose, staff)
        state, nonce, verifier = _derived(tx, secret)
    where = service.way(_back(call), state, nonce, verifier, again=purpose == "prove")
    settings = call.haven.settings
    return where, step_cookie(settings, "service", f"{purpose}.{secret}", _MINUTES * 60)


def _derived(tx: Tx, secret: str) -> tuple[str, str, str]:
    """Return the state, the nonce and the PKCE verifier of a step."""
    state, nonce = (ceremonies.derived(tx, secret, one).hex() for one in ("state", "nonce"))
    return state, nonce, verifier_from(ceremonies.derived(tx, secret, "verifier"))


def _back(call: Call) -> str:
    return f"{call.haven.settings.url}/sign-in/service/back"


def _service(call: Call) -> oidc.Provider:
    if call.haven.oidc is None:
        raise Problem("oidc.off", "There is no sign-in service here.", status=404)
    return call.haven.oidc


def _not_begun() -> Problem:
    return Problem("oidc.not_begun", "This sign-in was not begun in this browser.", status=400,
                   next_step="Go back to /sign-in and begin again.")  # fmt: skip
