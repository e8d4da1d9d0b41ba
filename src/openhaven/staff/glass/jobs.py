"""Periodic work: tell those who manage staff that somebody took a permission in need."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import msgspec
import structlog
from standardwebhooks import Webhook as Signature

from openhaven.core import system, utcnow
from openhaven.staff.glass import actions
from openhaven.staff.glass.model import Call
from openhaven.staff.glass.store import Told, told
from openhaven.storage import Database, Settings

log = structlog.get_logger("glass")
ME = system("glass")
LEASE = timedelta(minutes=2)
_MOST = 50

# Settings, address, title, text and an id; returns why it was not taken, or None.
Mail = Callable[[Settings, str, str, str, str], str | None]


# Address, body and headers; returns why it was not taken, or None.
Post = Callable[[str, bytes, Mapping[str, str]], str | None]


def tell(db: Database, settings: Settings, post: Post, mail: Mail) -> int:
    """Send the calls that are due; return how many were taken up.

    `post(url, body, headers)` and `mail(settings, address, title, text, id)` are the ways out; each
    returns None when the call was taken, else why not.
    """
    sent = 0
    while sent < _MOST and _next(db, settings, post, mail):
        sent += 1
    return sent


def _next(db: Database, settings: Settings, post: Post, mail: Mail) -> bool:
    with db.begin(ME) as tx:
        call = actions.claim_call(tx, LEASE)
        about = None if call is None else told(tx, call.glass)
    if call is None or about is None:
        return False
    alerts = settings.alerts
    set_up = bool(alerts.webhook if call.way == "webhook" else alerts.email and settings.mail.host)
    error: str | None = "No address is set for this way."
    if set_up:
        error = _send(settings, call, about, post, mail)
    if error and set_up:
        log.warning("glass.not_told", glass=call.glass, way=call.way, attempts=call.attempts)
    with db.begin(ME) as tx:
        actions.finish_call(tx, call, error, set_up=set_up)
    return True


def _send(settings: Settings, call: Call, about: Told, post: Post, mail: Mail) -> str | None:
    page = f"{settings.url}/console/staff"
    if call.way == "email":
        title = f"A permission was taken in need ({settings.service_name})"
        text = (f"{about.name} took the permission {about.permission}, until "
                f"{about.ends_at:%Y-%m-%d %H:%M} UTC.\n\nWhy, and a place to say whether that was "
                f"right: {page}\n")  # fmt: skip
        return mail(settings, settings.alerts.email, title, text, call.glass)
    what = {"permission": about.permission, "until": about.ends_at, "url": page}
    body = msgspec.json.encode({"type": "glass.broken", "glass": call.glass, **what})
    return post(settings.alerts.webhook, body, _headers(settings, call, body))


def _headers(settings: Settings, call: Call, body: bytes) -> dict[str, str]:
    """Return the headers of a call, signed where a secret is set (Standard Webhooks)."""
    found = {"content-type": "application/json", "user-agent": "openhaven",
             "webhook-id": call.glass}  # fmt: skip
    if settings.alerts.secret:
        now = utcnow()
        found["webhook-timestamp"] = str(int(now.timestamp()))
        signer = Signature(settings.alerts.secret)
        found["webhook-signature"] = signer.sign(call.glass, now, body.decode())
    return found
