"""Reading appeals against an age, and finding whose page a link leads to."""

import base64
import hmac
from datetime import date, datetime, timedelta

import msgspec

from openhaven.core import AgeBand, Problem
from openhaven.core.words import mark
from openhaven.protections.appeals.model import WITHIN, Appeal, Held, State
from openhaven.storage import Tx

_ID = 26
# The days of links are counted from here.
_BEGAN = date(2020, 1, 1)


class _Row(msgspec.Struct):
    id: str
    platform: str
    account: str
    subject: str
    band: AgeBand
    body: bytes | None
    created_at: datetime
    due_at: datetime
    state: State
    decided_band: AgeBand | None
    decided_by: str | None
    decided_at: datetime | None
    reasons: bytes | None


_APPEALS = """SELECT g.id, g.platform, a.id AS account, g.subject, g.band, g.body, g.created_at,
                g.due_at, g.state, g.decided_band, g.decided_by, g.decided_at, g.reasons
              FROM age_appeals g JOIN accounts a ON a.subject = g.subject """


def appeal_of(tx: Tx, appeal: str) -> Appeal:
    """Return one appeal; raises `Problem` (404) when there is none of this id."""
    row = tx.one(_APPEALS + "WHERE g.id = %(id)s", _Row, id=appeal)
    if row is None:
        raise Problem("age_appeal.unknown", "There is no such appeal.", status=404,
                      next_step="Go back to the list.")  # fmt: skip
    return _opened(tx, row)


def appeals_of(tx: Tx, subject: str) -> list[Appeal]:
    """Return the appeals of one subject, the newest first."""
    sql = _APPEALS + "WHERE g.subject = %(s)s ORDER BY g.created_at DESC, g.id DESC"
    return [_opened(tx, row) for row in tx.all(sql, _Row, s=subject)]


def open_appeals(tx: Tx, limit: int = 200) -> list[Appeal]:
    """Return the appeals that wait, the most urgent first."""
    sql = _APPEALS + "WHERE g.state = 'open' ORDER BY g.due_at, g.id LIMIT %(limit)s"
    return [_opened(tx, row) for row in tx.all(sql, _Row, limit=limit)]


def lately(tx: Tx, subject: str) -> int:
    """Return how many appeals of a subject were decided within the last month."""
    sql = "SELECT count(*) FROM age_appeals WHERE subject = %(s)s AND decided_at > %(since)s"
    return int(tx.value(sql, s=subject, since=tx.now - WITHIN))


def judges(tx: Tx, subject: str) -> set[str]:
    """Return the staff who decided an appeal of this subject before."""
    sql = "SELECT DISTINCT decided_by AS id FROM age_appeals WHERE subject = %(s)s"
    return {str(row["id"]) for row in tx.rows(sql, s=subject) if row["id"]}


def token(tx: Tx, subject: str, days: int) -> str:
    """Return what leads to the page about an account's age for so many days.

    128 bits of it only we can make; it says itself until when it counts.
    """
    return _signed(tx, subject, f"{(tx.now.date() - _BEGAN).days + days:05d}")


def _signed(tx: Tx, subject: str, until: str) -> str:
    tag = tx.keys.digest(f"age:{subject}:{until}".encode())[:16]
    return subject.removeprefix("per_") + until + base64.urlsafe_b64encode(tag).decode().rstrip("=")


def account_of_token(tx: Tx, given: str) -> Held:
    """Return the account that a link is about.

    Raises `Problem`: 404 for a guess, 410 for a link that has ended.
    """
    subject, until = "per_" + given[:_ID], given[_ID : _ID + 5]
    if not hmac.compare_digest(_signed(tx, subject, until).encode(), given.encode()):
        raise _leads_nowhere()
    if _BEGAN + timedelta(days=int(until)) < tx.now.date():
        raise Problem("age_appeal.ended", mark("This link has ended."), status=410,
                      next_step=mark("Open it again where you found it. Nothing is lost: what you "
                                     "told us is still here."))  # fmt: skip
    sql = "SELECT platform, id, subject FROM accounts WHERE subject = %(s)s"
    found = tx.one(sql, Held, s=subject)
    if found is None:
        raise _leads_nowhere()
    return found


def _leads_nowhere() -> Problem:
    return Problem("age_appeal.link", mark("This link does not lead to an account."), status=404,
                   next_step=mark("Open it again where you found it."))  # fmt: skip


def _opened(tx: Tx, row: _Row) -> Appeal:
    return Appeal(
        id=row.id, platform=row.platform, account=row.account, subject=row.subject, band=row.band,
        text=_text(tx, row.subject, row.body), created_at=row.created_at, due_at=row.due_at,
        state=row.state, decided_band=row.decided_band, decided_by=row.decided_by,
        decided_at=row.decided_at, reasons=_text(tx, row.subject, row.reasons),
    )  # fmt: skip


def _text(tx: Tx, subject: str, sealed: bytes | None) -> str | None:
    plain = None if sealed is None else tx.keys.open(subject, sealed)
    return None if plain is None else plain.decode()
