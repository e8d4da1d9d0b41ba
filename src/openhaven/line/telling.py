"""Tells the owners of rules that fell back, by e-mail where an address and a mail host are set."""

from datetime import timedelta

import structlog

from openhaven import connectors
from openhaven.core import system
from openhaven.line.haven import Haven
from openhaven.policy.standing import messages

log = structlog.get_logger("rules")
ME = system("worker")
LEASE = timedelta(minutes=5)
_MOST = 50


def tell_owners(haven: Haven) -> int:
    """Send the messages that are due, one after the other; return how many were taken up."""
    sent = 0
    while sent < _MOST and _tell_next(haven):
        sent += 1
    return sent


def _tell_next(haven: Haven) -> bool:
    settings = haven.settings
    with haven.db.begin(ME) as tx:
        message = messages.claim(tx, LEASE)
    if message is None:
        return False
    address = message.address or settings.alerts.email
    set_up = bool(address and settings.mail.host)
    error: str | None = "No address or no mail host is set; the console says the same."
    if set_up:
        text = message.text(settings.url)
        error = connectors.mail.tell(settings, address, message.title, text, message.fallback)
    if error and set_up:
        log.warning("rule.owner_not_told", rule=message.rule, attempts=message.attempts)
    with haven.db.begin(ME) as tx:
        messages.finish(tx, message, error, set_up=set_up)
    return True
