"""Reading contests, and finding which match a link is about."""

import base64
import hmac
from datetime import datetime
from typing import Literal

import msgspec

from openhaven.core import Problem
from openhaven.core.words import mark
from openhaven.exchange.returning import store
from openhaven.exchange.returning.contests.model import Contest
from openhaven.storage import Tx

_ID = 26


class _Row(msgspec.Struct):
    id: str
    sighting: str
    platform: str
    account: str
    subject: str
    body: bytes | None
    created_at: datetime
    due_at: datetime
    state: Literal["open", "granted", "declined"]
    decided_by: str | None
    decided_at: datetime | None
    reasons: bytes | None


_CONTEST = """SELECT c.id, c.sighting, s.platform, s.account, c.subject, c.body, c.created_at,
                c.due_at, c.state, c.decided_by, c.decided_at, c.reasons
              FROM returning_contests c JOIN returning_sightings s ON s.id = c.sighting """


def contest_of(tx: Tx, contest: str) -> Contest:
    """Return one contest; raises `Problem` (404)."""
    row = tx.one(_CONTEST + "WHERE c.id = %(id)s", _Row, id=contest)
    if row is None:
        raise Problem("returning.contest", "There is no such matter.", status=404,
                      next_step="Go back to the list.")  # fmt: skip
    return _opened(tx, row)


def contests_of(tx: Tx, sighting: str) -> list[Contest]:
    """Return what was said against one match, the newest first."""
    sql = _CONTEST + "WHERE c.sighting = %(s)s ORDER BY c.created_at DESC, c.id DESC"
    return [_opened(tx, row) for row in tx.all(sql, _Row, s=sighting)]


def open_contests(tx: Tx, limit: int = 200) -> list[Contest]:
    """Return what waits for an answer, the most urgent first."""
    sql = _CONTEST + "WHERE c.state = 'open' ORDER BY c.due_at, c.id LIMIT %(limit)s"
    return [_opened(tx, row) for row in tx.all(sql, _Row, limit=limit)]


def judges(tx: Tx, sighting: str) -> set[str]:
    """Return who judged the task of a match, or answered an earlier contest of it."""
    sql = """SELECT j.staff AS id FROM returning_sightings s JOIN judgements j ON j.task = s.task
             WHERE s.id = %(s)s
             UNION SELECT decided_by FROM returning_contests
             WHERE sighting = %(s)s AND decided_by IS NOT NULL"""
    return {str(row["id"]) for row in tx.rows(sql, s=sighting)}


def token(tx: Tx, sighting: str) -> str:
    """Return what leads to the page about a match; 128 bits of it only we can make."""
    tag = tx.keys.digest(f"returning:{sighting}".encode())[:16]
    return sighting.removeprefix("rts_") + base64.urlsafe_b64encode(tag).decode().rstrip("=")


def sighting_of_token(tx: Tx, given: str) -> store.Sighting:
    """Return the match that a link is about; raises `Problem` (404) for a guess."""
    made = "rts_" + given[:_ID]
    known = hmac.compare_digest(token(tx, made).encode(), given.encode())
    found = store.sighting(tx, made) if known else None
    if found is None:
        raise Problem("returning.link", mark("This link does not lead anywhere any more."),
                      status=404,
                      next_step=mark("Open it again where you found it."))  # fmt: skip
    return found


def _opened(tx: Tx, row: _Row) -> Contest:
    return Contest(
        id=row.id, sighting=row.sighting, platform=row.platform, account=row.account,
        subject=row.subject, text=_text(tx, row.subject, row.body), created_at=row.created_at,
        due_at=row.due_at, state=row.state, decided_by=row.decided_by, decided_at=row.decided_at,
        reasons=_text(tx, row.subject, row.reasons),
    )  # fmt: skip


def _text(tx: Tx, subject: str, sealed: bytes | None) -> str | None:
    plain = None if sealed is None else tx.keys.open(subject, sealed)
    return None if plain is None else plain.decode()
