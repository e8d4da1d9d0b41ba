"""What keeps a browser on our side: headers, host and origin, cookies, the token in forms."""

import re
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import urlsplit

from openhaven.core import Problem
from openhaven.core.words import mark
from openhaven.storage import Settings
from openhaven.web.call import Call, Refusal

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{0,5})?")
# A page that may be gone to after signing in: a path of ours, never another host.
CONSOLE_PAGE = re.compile(r"/console(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def headers(settings: Settings) -> list[tuple[bytes, bytes]]:
    """Return the headers that every answer carries.

    The referrer stays within our own pages: with `no-referrer` browsers would send `Origin: null`
    with our own forms, and the origin could not be checked.
    """
    found = {
        "content-security-policy": _POLICY,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
    }
    if is_https(settings):
        found["strict-transport-security"] = "max-age=31536000"
    return [(name.encode(), value.encode()) for name, value in found.items()]


def is_https(settings: Settings) -> bool:
    """Say whether people reach this service over TLS."""
    return settings.url.startswith("https:")


def cookie_name(settings: Settings) -> str:
    """Return the name of the session cookie.

    With TLS its `__Host-` keeps other hosts from setting it. Without, the port is part of the
    name, because browsers share the cookies of one host among its ports.
    """
    return "__Host-openhaven" if is_https(settings) else f"openhaven-{settings.port}"


def session_cookie(settings: Settings, value: str, seconds: int) -> str:
    """Return the `Set-Cookie` value that keeps `value` for `seconds` (0 removes it)."""
    secure = "; Secure" if is_https(settings) else ""
    scope = f"Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    return f"{cookie_name(settings)}={value}; {scope}"


def step_cookie(settings: Settings, name: str, value: str, seconds: int) -> str:
    """Return the `Set-Cookie` value for what only the pages of signing in see."""
    secure = "; Secure" if is_https(settings) else ""
    scope = f"Path=/sign-in; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    return f"{step_name(settings, name)}={value}; {scope}"


def step_name(settings: Settings, name: str) -> str:
    """Return the name of such a cookie; the port is part of it, as for the session."""
    return f"openhaven-{name}-{settings.port}"


def asked_cookie(settings: Settings, path: str) -> str:
    """Return the `Set-Cookie` value that remembers for ten minutes which page was asked for."""
    secure = "; Secure" if is_https(settings) else ""
    scope = f"Path=/sign-in; Max-Age=600; HttpOnly; SameSite=Lax{secure}"
    return f"{_asked_name(settings)}={path}; {scope}"


def asked_page(settings: Settings, cookies: Mapping[str, str], first: str) -> str:
    """Return the page of the console that was asked for before signing in, else `first`."""
    path = cookies.get(_asked_name(settings), "")
    return path if CONSOLE_PAGE.fullmatch(path) else first


def _asked_name(settings: Settings) -> str:
    return f"openhaven-asked-{settings.port}"


def cookies(header: str) -> dict[str, str]:
    """Return the cookies of a request; a broken header counts as none."""
    if not header:
        return {}
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


class Hosts:
    """The names by which this service may be called.

    A page of a stranger can make its own name point to our address (DNS rebinding), but then the
    browser sends that name. An address written in digits cannot be made to point elsewhere.
    """

    def __init__(self, settings: Settings) -> None:
        public = urlsplit(settings.url).hostname or ""
        self._names = {"localhost", public.lower(), settings.host.lower()}

    def check(self, host: str) -> None:
        """Raise `Problem` (421) when the `Host` header names somebody else."""
        name = hostname(host)
        if name in self._names or name.endswith(".localhost") or _is_address(name):
            return
        raise Problem("host.unknown", "This service does not go by the name in the request.",
                      status=421,
                      next_step="Use the address in the setting public_url.")  # fmt: skip


def hostname(host: str) -> str:
    """Return the name in a `Host` header without its port, in lower case; empty when broken."""
    found = _HOST.fullmatch(host)
    return found.group(1).strip("[]").rstrip(".").lower() if found else ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def check_origin(call: Call) -> None:
    """Raise `Refusal` (403) when a browser says that a form was sent from another site's page."""
    site = call.headers.get("sec-fetch-site", "same-origin")
    origin = call.headers.get("origin", "")
    if site not in ("same-origin", "none") or not _is_ours(call, origin):
        raise Refusal("form.foreign", mark("This form was sent from a page of another site."),
                      status=403,
                      next_step=mark("Open the page here and send the form from there."),
                      )  # fmt: skip


def _is_ours(call: Call, origin: str) -> bool:
    """Say whether `origin` is us, or tells nothing: then the rest of the checks must do."""
    if not origin or (origin == "null" and "sec-fetch-site" in call.headers):
        return True
    try:
        given = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    ours = urlsplit(call.haven.settings.url).netloc.lower()
    return given in {call.headers.get("host", "").lower(), ours}
