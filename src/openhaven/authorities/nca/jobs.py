"""Periodic work: letters to hotlines are sent."""

from openhaven.authorities.nca import actions
from openhaven.authorities.nca.store import sheet_of
from openhaven.authorities.nca.writing import text
from openhaven.connectors import mail
from openhaven.core import system
from openhaven.storage import Database, Settings

ME = system("filings")


def send_letters(db: Database, settings: Settings) -> int:
    """Send the letters to hotlines that are due; return how many were taken up."""
    taken = 0
    while taken < 100 and _next(db, settings):
        taken += 1
    return taken


def _next(db: Database, settings: Settings) -> bool:
    with db.begin(ME) as tx:
        letter = actions.claim_letter(tx)
        given = sheet_of(tx, letter.id) if letter else None
    if letter is None:
        return False
    country = letter.authority.removeprefix("hotline-").upper()
    address = settings.authorities.hotlines.get(country, "")
    if not settings.mail.host or not address:
        error: str | None = ("No mail host is set (mail.host), or no address for this country "
                             "(authorities.hotlines).")  # fmt: skip
    elif given is None:
        error = "What it says was destroyed."
    else:
        head = f"A report from {settings.service_name}, our number {letter.id}"
        error = mail.tell(settings, address, head, text(given, head=head), letter.id)
    with db.begin(ME) as tx:
        actions.posted(tx, letter, error)
    return True
