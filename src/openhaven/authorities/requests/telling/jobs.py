"""Periodic work of telling: send the words that are due by e-mail."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from openhaven import intake
from openhaven.authorities.requests import store
from openhaven.authorities.requests.store import Telling
from openhaven.authorities.requests.telling import actions
from openhaven.authorities.requests.telling.wording import text_of
from openhaven.core import system
from openhaven.core.words import best
from openhaven.storage import Database, Settings, Tx

log = structlog.get_logger("requests")
ME = system("requests")
LEASE = timedelta(minutes=5)
_MOST = 50
# An address, a title, a text and an id: None when it was taken, else why not.
Tell = Callable[[str, str, str, str], str | None]


def tell_due(db: Database, settings: Settings, tell: Tell, now: datetime | None = None) -> int:
    """Tell everybody who is to be told now; return how many words were taken up."""
    taken = 0
    while taken < _MOST and _next(db, settings, tell, now):
        taken += 1
    return taken


def _next(db: Database, settings: Settings, tell: Tell, now: datetime | None) -> bool:
    with db.begin(ME, now) as tx:
        found = actions.claim(tx, LEASE)
        letter = None if found is None else _letter(tx, settings, found)
    if found is None:
        return False
    state, error = "by_hand", letter if isinstance(letter, str) else None
    if letter is None:
        state = "erased"
    elif not isinstance(letter, str):
        state, error = "sent", tell(*letter, found.id)
        if error:
            log.warning("request.notice_not_sent", notice=found.id, attempts=found.attempts)
    with db.begin(ME, now) as tx:
        actions.finish(tx, found, state, error)
    return True


def _letter(tx: Tx, settings: Settings, found: Telling) -> tuple[str, str, str] | str | None:
    """Return address, title and text; a sentence when staff has to tell, None for who is erased."""
    known = intake.account_of(tx, found.platform, found.account)
    request = store.request(tx, found.request)
    wanted = store.scope(tx, request.scope).wanted if request.scope else None
    if known is None or wanted is None:
        return None
    plain = None if known.contact is None else tx.keys.open(known.subject, known.contact)
    address = intake.email_of(plain.decode()) if plain else None
    if address is None:
        return "No e-mail address of this person is known: tell them by the platform."
    if not settings.mail.host:
        return "No mail host is set (mail.host)."
    language = best([known.language or ""], settings.language)
    asked = store.asked(tx, request.id)
    title, text = text_of(language, settings.service_name, settings.url, request, asked, wanted)
    return address, title, text
