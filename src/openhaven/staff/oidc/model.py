"""What another service says of somebody, and whether that may count."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from openhaven.core import Problem
from openhaven.staff.model import ROLES
from openhaven.storage.settings import Oidc

# A clock here and a clock there may differ by so many seconds.
LEEWAY = 60
# Word that somebody signed out is sent at once, or soon again; so many seconds later it is stale.
OLDEST = 600
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
# An asymmetric signature only: with a shared secret, or none, anybody could have made it.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
              "EdDSA", "Ed25519")  # fmt: skip


class Who(msgspec.Struct, frozen=True):
    """Somebody as the service names them; `since` is when they proved it there (Unix seconds)."""

    issuer: str
    subject: str
    name: str
    groups: frozenset[str]
    since: int | None = None


def refused(why: str) -> Problem:
    """Return the answer to a word that does not count; `why` is for those who set it up."""
    return Problem("oidc.refused", "The sign-in service's answer cannot be trusted.", why,
                   status=400, next_step="Go back and begin again.")  # fmt: skip


def check_claims(claims: Mapping[str, Any], settings: Oidc, nonce: str, now: datetime) -> Who:
    """Return who is spoken of (OpenID Connect Core 3.1.3.7); raises `Problem` (400)."""
    moment = now.timestamp()
    if claims.get("iss") != settings.issuer:
        raise refused("Another service issued it.")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if settings.client_id not in audiences:
        raise refused("It was made for somebody else.")
    if claims.get("azp", settings.client_id) != settings.client_id or (
        len(audiences) > 1 and "azp" not in claims
    ):
        raise refused("It was given to somebody else.")
    if _seconds(claims, "exp") < moment - LEEWAY:
        raise refused("It is too old.")
    if _seconds(claims, "iat") > moment + LEEWAY:
        raise refused("It comes from the future.")
    if claims.get("nonce") != nonce:
        raise refused("It answers another request.")
    return _who(claims, settings)


def check_logout(claims: Mapping[str, Any], settings: Oidc, now: datetime) -> tuple[str, int]:
    """Return whose session ended at the service, and when (Unix seconds); else `Problem` (400).

    OpenID Connect Back-Channel Logout 1.0, section 2.6. We know people by `sub`, so it must be
    there. An ID token is none of these: it has a nonce, and no event.
    """
    moment = now.timestamp()
    audience = claims.get("aud")
    if claims.get("iss") != settings.issuer:
        raise refused("Another service issued it.")
    if settings.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise refused("It was made for somebody else.")
    at = _seconds(claims, "iat")
    if not moment - OLDEST <= at <= moment + LEEWAY or (
        "exp" in claims and _seconds(claims, "exp") < moment - LEEWAY
    ):
        raise refused("It is too old, or comes from the future.")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT), dict):
        raise refused("It does not say that somebody signed out.")
    if "nonce" in claims or not isinstance(claims.get("jti"), str):
        raise refused("It is another kind of token.")
    return _subject(claims), at


def _who(claims: Mapping[str, Any], settings: Oidc) -> Who:
    subject = _subject(claims)
    named = (claims.get(key) for key in ("name", "preferred_username"))
    name = next((one for one in named if isinstance(one, str) and one.strip()), "")
    said = claims.get(settings.groups, [])
    groups = (
        frozenset(one for one in said if isinstance(one, str))
        if isinstance(said, list)
        else frozenset()
    )
    since = _seconds(claims, "auth_time") if "auth_time" in claims else None
    return Who(settings.issuer, subject, name, groups, since)


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
        raise refused("It names nobody.")
    return subject


def roles_of(groups: Iterable[str], mapped: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the roles that somebody's groups stand for, in order."""
    return tuple(sorted({role for group in groups for role in mapped.get(group, ())}))


def check_settings(settings: Oidc) -> None:
    """Raise `Problem` for settings under which nobody could sign in, or a stranger could."""
    if not settings.issuer:
        return
    if not settings.client_id:
        raise _wrong("oidc.client_id is missing.")
    if not is_safe(settings.issuer):
        raise _wrong("oidc.issuer must begin with https:// (or be on this machine).")
    for group, roles in settings.roles.items():
        if "administrator" in roles:
            raise _wrong(f"The group “{group}” cannot make administrators; give that role here.")
        if unknown := set(roles) - set(ROLES):
            raise _wrong(f"The group “{group}” stands for an unknown role: {min(unknown)}.")


def is_safe(address: str) -> bool:
    """Say whether an address may be asked who somebody is: over TLS, or on this machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https" and host:
        return True
    return parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1")


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise refused(f"It has no “{name}”.")
    return int(value)


def _wrong(detail: str) -> Problem:
    return Problem("settings.wrong", "A setting is wrong.", detail,
                   next_step="docs/sign-in.md says what to set.")  # fmt: skip
