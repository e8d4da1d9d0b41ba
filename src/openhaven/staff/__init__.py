"""The people who work here: who they are, what their roles allow, and their sign-in.

There are no passwords. Somebody who may run commands on this machine makes a link that works once
and for a short time; opening it and pressing the button begins a session. Links and sessions are
stored as keyed digests, so that a copy of the database lets nobody in. Each of these steps is in
the ledger.
"""

from openhaven.staff.actions import (
    create,
    disable,
    end_sessions,
    session,
    set_roles,
    sign_in,
    sign_in_link,
    sign_out,
)
from openhaven.staff.model import ABSOLUTE, IDLE, LINK_LIFE, Member, Session
from openhaven.staff.staffing import differs, set_staffing, somebody_else, staffing
from openhaven.staff.store import acting, link_works, members, named

__all__ = [
    "ABSOLUTE",
    "IDLE",
    "LINK_LIFE",
    "Member",
    "Session",
    "acting",
    "create",
    "differs",
    "disable",
    "end_sessions",
    "link_works",
    "members",
    "named",
    "session",
    "set_roles",
    "set_staffing",
    "sign_in",
    "sign_in_link",
    "sign_out",
    "somebody_else",
    "staffing",
]
