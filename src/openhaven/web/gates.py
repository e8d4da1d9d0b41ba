"""Who may: the gates of the table, from a key or a cookie to an actor."""

import hashlib
import hmac
import re
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from openhaven import staff
from openhaven.core import Actor, permits
from openhaven.review import lane
from openhaven.storage import Tx
from openhaven.web.call import Call, Refusal
from openhaven.web.security import CONSOLE_PAGE, asked_cookie, check_origin, cookie_name
from openhaven.web.table import Route

if TYPE_CHECKING:
    from openhaven.line import Haven

_BEARER = re.compile(r"[Bb]earer +(oh_[A-Za-z0-9_-]{20,100})")
_ANYBODY = Actor("person", "anybody")
_GATE = Actor("system", "gate")
_REMEMBERED = 1_000
_SECONDS = 1.0


class Key(msgspec.Struct, frozen=True):
    """A living API key and its platform."""

    id: str
    platform: str
    kind: str = "platform"


def key_of(tx: Tx, secret: str) -> Key | None:
    """Return the living key whose secret this is, by its digest."""
    sql = "SELECT id, platform, kind FROM api_keys WHERE digest = %(d)s AND revoked_at IS NULL"
    return tx.one(sql, Key, d=tx.keys.digest(secret.encode()))


class _Seen(msgspec.Struct):
    """A key, until when it counts, and from when on the next who shows it looks again."""

    key: Key
    until: float
    again: float


class Keys:
    """Keys seen within the last second, so that a busy platform costs no query per request.

    After half of it one request looks again, while the others still go through.
    """

    def __init__(self, haven: "Haven") -> None:
        self._haven = haven
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, header: str) -> Key:
        """Return the key in an `Authorization` header; raises `Refusal` (401) when it is none."""
        given = _BEARER.fullmatch(header.strip())
        key = self._remember(given.group(1)) if given else None
        if key is None:
            raise _no_key(bool(header))
        return key

    def known(self, header: str) -> Key | None:
        """Return the key when it was seen within the last second and nobody has to look again."""
        now = time.monotonic()
        with self._lock:
            seen = self._seen.get(_mark(header))
            if seen is None or seen.until <= now:
                return None
            if seen.again <= now:
                seen.again = seen.until
                return None
        return seen.key

    def _remember(self, secret: str) -> Key | None:
        with self._haven.db.read() as tx:
            key = key_of(tx, secret)
        if key is not None:
            with self._lock:
                now = time.monotonic()
                seen = _Seen(key, now + _SECONDS, now + _SECONDS / 2)
                self._seen[_mark(f"Bearer {secret}")] = seen
                if len(self._seen) > _REMEMBERED:
                    self._seen.popitem(last=False)
        return key


def _mark(header: str) -> bytes:
    return hashlib.sha256(header.encode("utf-8", "surrogateescape")).digest()


def let_in_platform(call: Call, key: Key) -> None:
    """Note on the call which platform it comes from.

    Raises `Refusal` (403) for a trusted flagger's key anywhere but at reports.
    """
    if key.kind == "flagger" and not call.url_path.startswith("/v1/reports"):
        raise Refusal("key.reports", "This key only sends reports.", status=403,
                      next_step="Use the key of a platform.")  # fmt: skip
    call.actor = Actor("platform", key.id)
    call.platform = key.platform


def let_in_staff(call: Call, route: Route) -> None:
    """Find the session of the call's cookie, note whose it is, and record what they are shown.

    Raises `Refusal`: 401 without a living session, 403 without the permission.
    """
    needed = route.gate.permission
    secret = call.cookies.get(cookie_name(call.haven.settings), "")
    with call.haven.db.begin(_GATE, call.now) as tx:
        session = staff.session(tx, secret) if secret else None
        if session is None:
            raise _not_signed_in(call)
        call.csrf = tx.keys.digest(b"csrf:" + session.digest).hex()
        call.staff, call.session, call.actor = session.member, session, session.actor
        # By id and not by route: so whatever way leads to a case in the lane is closed.
        closed = lane.is_closed(tx, call.path.values()) and not call.may("lane.work")
        allowed = needed is None or call.may(needed)
        if route.reads and allowed and not closed:
            _record(tx, session, route, next(iter(call.path.values()), ""))
    if not allowed:
        raise Refusal("staff.forbidden", "Your roles do not allow this.",
                      f"It needs the permission {needed}.", status=403,
                      next_step="Ask an administrator.")  # fmt: skip
    if closed:
        raise lane.closed()


def _record(tx: Tx, session: staff.Session, route: Route, matter: str) -> None:
    """Record what somebody is about to be shown, and by which permission taken in need."""
    needed = route.gate.permission
    lent = needed is not None and not permits(session.member.roles, needed)
    glass = session.taken.get(needed) if needed and lent else None
    staff.reads.note(tx, session.member.id, route.reads, matter, glass)


def fresh(call: Call) -> None:
    """Raise `Refusal` (403) unless the one who calls proved who they are within ten minutes.

    For the gravest acts: an unlocked screen, or a stolen cookie, shall not be enough for them.
    """
    if call.session is None or not call.session.fresh(call.now):
        raise Refusal("session.stale", "Show once more that it is you.", status=403,
                      next_step="Nothing was done. Confirm who you are, and send it again.",
                      )  # fmt: skip


def check_form(call: Call, route: Route) -> None:
    """Raise `Refusal` (403) when a write was not sent from a page that we made for this person.

    A form carries the token as the field `csrf` or in the header X-CSRF-Token; everything else that
    staff send, in the header.
    """
    is_form = route.takes in ("form", "upload")
    if not is_form and (route.gate.kind != "signed in" or route.method == "GET"):
        return
    check_origin(call)
    if call.staff is None:
        return
    given = call.headers.get("x-csrf-token") or (call.form().get("csrf", "") if is_form else "")
    if not hmac.compare_digest(given.encode(), call.csrf.encode()):
        raise Refusal("form.stale", "This form is out of date.", status=403,
                      next_step="Reload the page and send it again.")  # fmt: skip


def nobody() -> Actor:
    """Return the actor of a call that needs no gate."""
    return _ANYBODY


def _no_key(given: bool) -> Refusal:
    error = ', error="invalid_token"' if given else ""
    return Refusal(
        "key.refused" if given else "key.missing",
        "This API key is not valid." if given else "This address needs an API key.",
        status=401,
        next_step="Send it as “Authorization: Bearer oh_…”; make one with: openhaven keys create",
        headers={"www-authenticate": f'Bearer realm="openhaven"{error}'},
    )


def _not_signed_in(call: Call) -> Refusal:
    headers = {"www-authenticate": 'Link realm="openhaven staff"'}
    is_page = call.method == "GET" and "text/html" in call.headers.get("accept", "")
    if is_page and CONSOLE_PAGE.fullmatch(call.url_path):
        headers["set-cookie"] = asked_cookie(call.haven.settings, call.url_path)
    return Refusal("staff.unknown", "You are not signed in.", status=401,
                   next_step="Sign in, or ask for a sign-in link, made with: openhaven staff "
                   "link NAME",
                   headers=headers)  # fmt: skip
