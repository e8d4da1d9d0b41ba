"""Signing in and out: pages, thin."""

from openhaven.core import permits
from openhaven.staff.actions import dead_link, sign_in, sign_out
from openhaven.staff.model import ABSOLUTE
from openhaven.staff.store import link_works
from openhaven.web import Answer, Call, page, see_other
from openhaven.web.security import asked_page, cookie_name, session_cookie


def sign_in_help(call: Call) -> Answer:
    """`GET /sign-in`: say how to come by a link."""
    return page(call, "web/sign_in.html")


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
    with call.haven.db.begin(call.actor, call.now) as tx:
        former = call.cookies.get(cookie_name(settings), "")
        member, secret = sign_in(tx, call.path["token"], former)
    cookie = session_cookie(settings, secret, int(ABSOLUTE.total_seconds()))
    first = "/console" if permits(member.roles, "queue.read") else "/console/decisions"
    return see_other(asked_page(settings, call.cookies, first), {"set-cookie": cookie})


def leave(call: Call) -> Answer:
    """`POST /sign-out`: end the session and remove the cookie."""
    settings = call.haven.settings
    with call.haven.db.begin(call.actor, call.now) as tx:
        sign_out(tx, call.cookies.get(cookie_name(settings), ""))
    return see_other("/sign-in", {"set-cookie": session_cookie(settings, "", 0)})
