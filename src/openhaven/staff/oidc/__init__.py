"""Another service says who somebody is (OpenID Connect Core 1.0, the authorization code flow).

Its word counts after everything was checked: the state that this browser began with, a code that
only we can redeem (PKCE), the signature by one of its present keys, who issued it, for whom, when,
and the nonce. A group of theirs may stand for roles here, and never for an administrator: those
are made by somebody, here.
"""

from openhaven.staff.oidc.actions import connect, disconnect, end, holder, sign_in
from openhaven.staff.oidc.model import Who, check_settings
from openhaven.staff.oidc.provider import Provider
from openhaven.staff.oidc.store import is_connected

__all__ = [
    "Provider",
    "Who",
    "check_settings",
    "connect",
    "disconnect",
    "end",
    "holder",
    "is_connected",
    "sign_in",
]
