"""Reading appeals against an age, and finding whose page a link leads to."""

import base64
import hmac
from datetime import datetime

import msgspec

from openhaven.core import AgeBand, Problem
from openhaven.protections.appeals.model import WITHIN, Appeal, Held, State
from openhaven.storage import Tx

_ID = 26


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


def token(tx: Tx, subject: str) -> str:
    """Return what leads to the page about an account's age: 128 bits of it only we can make."""
    tag = tx.keys.digest(b"age:" + subject.encode())[:16]
    return subject.removeprefix("per_") + base64.urlsafe_b64encode(tag).decode().rstrip("=")


def account_of_token(tx: Tx, given: str) -> Held:
    """Return the account that a link is about, or raise `Problem` (404) for a guess."""
    subject = "per_" + given[:_ID]
    found = None
    if hmac.compare_digest(token(tx, subject).encode(), given.encode()):
        sql = "SELECT platform, id, subject FROM accounts WHERE subject = %(s)s"
        found = tx.one(sql, Held, s=subject)
    if found is None:
        raise Problem("age_appeal.link", "This link does not lead to an account.", status=404,
                      next_step="Open it again where you found it.")  # fmt: skip
    return found


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
