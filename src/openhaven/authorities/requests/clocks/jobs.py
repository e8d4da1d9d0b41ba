"""Periodic work of clocks: call the list of contacts when a life is in danger."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from openhaven.authorities.requests.clocks import actions
from openhaven.core import system
from openhaven.storage import Database, Settings

log = structlog.get_logger("requests")
ME = system("requests")
LEASE = timedelta(minutes=2)
_MOST = 50
# An address, a title, a text and an id: None when it was taken, else why not.
Tell = Callable[[str, str, str, str], str | None]


def call_for_life(db: Database, settings: Settings, tell: Tell, now: datetime | None = None) -> int:
    """Call everybody of the list about whom a call is due; return how many calls were taken up.

    One that cannot be reached holds up no other one. What was given up is said aloud.
    """
    taken = 0
    while taken < _MOST and _next(db, settings, tell, now):
        taken += 1
    return taken


def _next(db: Database, settings: Settings, tell: Tell, now: datetime | None) -> bool:
    with db.begin(ME, now) as tx:
        call = actions.claim(tx, LEASE)
        others = actions.others(tx, call) if call else 0
    if call is None:
        return False
    addresses = settings.authorities.life_contacts
    error: str | None = "The list of contacts has become shorter."
    if call.number <= len(addresses):
        text = ("An authority says that a life is in danger, and asks for help. Whether it is that "
                f"authority is not known yet.\n\nSee it: {settings.url}/console/requests/"
                f"{call.request}\n")  # fmt: skip
        if others:
            text += (f"\nThere are {others} others that nobody has answered. Not each is called "
                     f"about on its own: {settings.url}/console/requests\n")  # fmt: skip
        title = f"A life may be in danger ({settings.service_name})"
        error = tell(addresses[call.number - 1], title, text, f"{call.request}.{call.number}")
    with db.begin(ME, now) as tx:
        if actions.finish(tx, call, error):
            log.error("request.contact_unreached", request=call.request, number=call.number)
    return True
