"""What the pages of signing in share: let somebody in, know the browser again, go on."""

from openhaven.core import permits
from openhaven.staff import attempts
from openhaven.staff.actions import begin_session, renew_session
from openhaven.staff.model import ABSOLUTE, Member, Method, Session, device_of
from openhaven.staff.passkeys import Site, site_of
from openhaven.storage import Tx
from openhaven.web import Answer, Call, Refusal, see_other
from openhaven.web.security import (
    CONSOLE_PAGE,
    asked_page,
    cookie_name,
    session_cookie,
    step_cookie,
    step_name,
)

_KNOWN_S = 180 * 86_400
OWN = "/console/account"


def device_token(call: Call) -> str:
    """Return the token by which this browser is known, or ""."""
    return call.cookies.get(step_name(call.haven.settings, "device"), "")


def let_in(call: Call, tx: Tx, member: Member, method: Method) -> tuple[str, ...]:
    """Begin a session of who proved who they are; return the cookies that the browser keeps."""
    settings = call.haven.settings
    former = call.cookies.get(cookie_name(settings), "")
    device = device_of(call.headers.get("user-agent", ""))
    secret = begin_session(tx, member, method, former, device)
    known = attempts.know(tx, member.id, device_token(call))
    return (
        session_cookie(settings, secret, int(ABSOLUTE.total_seconds())),
        step_cookie(settings, "device", known, _KNOWN_S),
    )


def first_page(call: Call, member: Member) -> str:
    """Return where somebody goes after signing in: the page they asked for, or their first one."""
    first = "/console" if permits(member.roles, "queue.read") else "/console/decisions"
    return asked_page(call.haven.settings, call.cookies, first)


def welcome(call: Call, member: Member, cookies: tuple[str, ...]) -> Answer:
    """Send somebody who has just signed in to their page."""
    gone = see_other(first_page(call, member))
    return Answer(gone.status, gone.body, gone.type, gone.headers, cookies=cookies)


def proven(call: Call, tx: Tx, session: Session) -> str:
    """Note that somebody proved again who they are; return the cookie of the renewed session."""
    secret = renew_session(tx, session, proven=True)
    left = session.expires_at - call.now
    return session_cookie(call.haven.settings, secret, max(1, int(left.total_seconds())))


def page_after(path: str) -> str:
    """Return a page of the console that may be gone to, else one's own."""
    return path if CONSOLE_PAGE.fullmatch(path) else OWN


def need_site(call: Call) -> Site:
    """Return what passkeys are bound to; raises `Refusal` (409) where browsers allow none."""
    site = site_of(call.haven.settings)
    if site is None:
        raise Refusal("passkey.nowhere", "Passkeys need an address with a name and TLS.",
                      status=409, next_step="Set public_url to https:// and a name.")  # fmt: skip
    return site


def signed_in(call: Call) -> tuple[Member, Session]:
    """Return who is signed in, on pages behind that gate."""
    assert call.staff is not None  # the gate lets nobody else in
    assert call.session is not None
    return call.staff, call.session
