"""The people who work here: who they are, what their roles allow, and their sign-in.

Somebody who may run commands on this machine makes a link that works once and for a short time;
with it a person signs in and adds a passkey (`passkeys`). Where an operator has a sign-in service,
it may speak for them (`oidc`); a password with a second factor (`passwords`) is the way for those
who have neither. Secrets are stored as keyed digests, so that a copy of the database lets nobody
in. Each of these steps is in the ledger.

`glass` lets somebody take a permission in need, for a while, before everybody's eyes; `reads` says
who read what.
"""

from openhaven.staff import reads
from openhaven.staff.actions import (
    begin_session,
    create,
    disable,
    end_session,
    end_sessions,
    renew_session,
    session,
    set_roles,
    sign_in,
    sign_in_link,
    sign_out,
    sign_out_everywhere,
)
from openhaven.staff.model import ABSOLUTE, FRESH, IDLE, LINK_LIFE, Member, Session
from openhaven.staff.staffing import differs, set_staffing, somebody_else, staffing
from openhaven.staff.store import acting, link_works, members, named

__all__ = [
    "ABSOLUTE",
    "FRESH",
    "IDLE",
    "LINK_LIFE",
    "Member",
    "Session",
    "acting",
    "begin_session",
    "create",
    "differs",
    "disable",
    "end_session",
    "end_sessions",
    "link_works",
    "members",
    "named",
    "reads",
    "renew_session",
    "session",
    "set_roles",
    "set_staffing",
    "sign_in",
    "sign_in_link",
    "sign_out",
    "sign_out_everywhere",
    "somebody_else",
    "staffing",
]
