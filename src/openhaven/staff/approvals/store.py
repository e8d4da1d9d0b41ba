"""Reading what waits for a second person, and what was said."""

import msgspec
from msgspec.structs import replace

from openhaven.core import Problem
from openhaven.staff.approvals.model import Approval, Asked
from openhaven.storage import Tx

_ONE = """SELECT a.id, a.kind, a.matter, a.asked_by, s.name AS asked_name, a.asked_at, a.lapses_at,
            a.state, a.answered_by, a.answered_at, a.reason AS sealed, a.answer AS sealed_answer
          FROM approvals a JOIN staff s ON s.id = a.asked_by """


class _Row(Asked, frozen=True, kw_only=True):
    sealed: bytes | None
    sealed_answer: bytes | None


def approval(tx: Tx, approval: str) -> Approval:
    """Return a request, whatever became of it; raises `Problem` (404)."""
    found = tx.one(_ONE + "WHERE a.id = %(id)s", _Row, id=approval)
    if found is None:
        raise Problem("approval.unknown", "There is no such request.", status=404)
    return _opened(tx, found)


def waiting(tx: Tx, kind: str = "", limit: int = 100) -> list[Approval]:
    """Return what waits for a second person, oldest first; `kind` leaves only those of one kind."""
    sql = (
        _ONE
        + """WHERE a.state = 'waiting' AND (%(of)s = '' OR a.kind = %(of)s)
                    ORDER BY a.asked_at, a.id LIMIT %(limit)s"""
    )
    return [_opened(tx, row) for row in tx.all(sql, _Row, of=kind, limit=limit)]


def state_of(tx: Tx, kind: str, matter: str) -> str | None:
    """Return the state of the latest request about a matter; None when nobody was asked."""
    sql = """SELECT state FROM approvals WHERE kind = %(kind)s AND matter = %(matter)s
             ORDER BY asked_at DESC, id DESC LIMIT 1"""
    found = tx.value(sql, kind=kind, matter=matter)
    return None if found is None else str(found)


def approved(tx: Tx, kind: str, matter: str) -> bool:
    """Say whether a matter may go on: a second person agreed, or there was nobody to ask."""
    return state_of(tx, kind, matter) in ("approved", "alone")


def independent(tx: Tx, kind: str, matter: str) -> bool:
    """Say whether a second person agreed, and not only nobody was there to ask."""
    return state_of(tx, kind, matter) == "approved"


def _opened(tx: Tx, row: _Row) -> Approval:
    told = {name: value for name, value in msgspec.structs.asdict(row).items()
            if not name.startswith("sealed")}  # fmt: skip
    found = Approval(**told)
    return replace(found, reason=_text(tx, row.id, row.sealed),
                   answer=_text(tx, row.id, row.sealed_answer))  # fmt: skip


def _text(tx: Tx, approval: str, sealed: bytes | None) -> str:
    return (tx.keys.open(approval, sealed) or b"").decode() if sealed else ""
