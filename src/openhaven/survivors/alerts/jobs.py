"""Periodic work: send the calls to staff that are due, one after the other."""

import smtplib
import ssl
from datetime import timedelta
from email.message import EmailMessage

import msgspec
import structlog
from standardwebhooks import Webhook as Signature

from openhaven.connectors.http import Http, UnreachableError
from openhaven.core import Problem, system, utcnow
from openhaven.storage import Database, Settings
from openhaven.survivors.alerts import actions
from openhaven.survivors.alerts.model import Alert

log = structlog.get_logger("alerts")
ME = system("alerts")
LEASE = timedelta(minutes=2)
_MOST = 100


def send_alerts(db: Database, settings: Settings, http: Http) -> int:
    """Send what is due; return how many calls were taken up."""
    sent = 0
    while sent < _MOST and _send_next(db, settings, http):
        sent += 1
    return sent


def _send_next(db: Database, settings: Settings, http: Http) -> bool:
    with db.begin(ME) as tx:
        alert = actions.claim(tx, LEASE)
    if alert is None:
        return False
    set_up = bool(settings.alerts.webhook if alert.way == "webhook" else _mail_set_up(settings))
    error: str | None = "No address is set for this way."
    if set_up:
        error = (
            _webhook(settings, http, alert) if alert.way == "webhook" else _mail(settings, alert)
        )
    if error and set_up:
        log.warning("alert.not_sent", alert=alert.id, way=alert.way, attempts=alert.attempts)
    with db.begin(ME) as tx:
        actions.finish(tx, alert, error, set_up=set_up)
    return True


def _mail_set_up(settings: Settings) -> bool:
    return bool(settings.alerts.email and settings.mail.host)


def _webhook(settings: Settings, http: Http, alert: Alert) -> str | None:
    """Send a call as a signed webhook; return None when it was taken, else why not."""
    body = msgspec.json.encode(alert.message(settings.url))
    headers = {"content-type": "application/json", "user-agent": "openhaven",
               "webhook-id": alert.id}  # fmt: skip
    try:
        if settings.alerts.secret:
            now = utcnow()
            headers["webhook-timestamp"] = str(int(now.timestamp()))
            headers["webhook-signature"] = Signature(settings.alerts.secret).sign(
                alert.id, now, body.decode()
            )
        reply = http.send("POST", settings.alerts.webhook, body=body, headers=headers, limit=10_000)
    except (UnreachableError, Problem, ValueError) as error:
        return f"It did not arrive ({type(error).__name__})."
    return None if 200 <= reply.status < 300 else f"It was answered with {reply.status}."


def _mail(settings: Settings, alert: Alert) -> str | None:
    """Send a call by e-mail; return None when the mail host took it, else why not."""
    mail = settings.mail
    message = EmailMessage()
    message["From"] = mail.sender or f"openhaven@{mail.host}"
    message["Message-ID"] = f"<{alert.id}@openhaven.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    message["Subject"] = f"{alert.title} ({settings.service_name})"
    message.set_content(f"{alert.title}.\n\nSee it here: {settings.url}{alert.page}\n")
    try:
        message["To"] = settings.alerts.email
        with smtplib.SMTP(mail.host, mail.port, timeout=20) as host:
            if mail.starttls:
                host.starttls(context=ssl.create_default_context())
            if mail.user:
                host.login(mail.user, mail.password)
            host.send_message(message)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return f"The mail host did not take it ({type(error).__name__})."
    return None
