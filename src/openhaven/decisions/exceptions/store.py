"""Reading why a person is told later, and when."""

from datetime import datetime

import msgspec

from openhaven.storage import Tx


class Exempt(msgspec.Struct, frozen=True):
    """An exception: `asked` waits for a second person, `stands`, or has `ended`."""

    id: str
    decision: str
    kind: str
    reference: str
    asked_by: str
    asked_at: datetime
    until: datetime
    state: str


_ONE = "SELECT id, decision, kind, reference, asked_by, asked_at, until, state "


def exempt_of(tx: Tx, decision: str) -> list[Exempt]:
    """Return the exceptions that were made for a decision, oldest first."""
    sql = _ONE + "FROM notice_exceptions WHERE decision = %(d)s ORDER BY asked_at, id"
    return tx.all(sql, Exempt, d=decision)


def exempt(tx: Tx, exception: str) -> Exempt | None:
    """Return an exception by its id, or None."""
    return tx.one(_ONE + "FROM notice_exceptions WHERE id = %(id)s", Exempt, id=exception)


def living(tx: Tx, limit: int = 100) -> list[Exempt]:
    """Lock exceptions that wait for a second person or are over, the next to end first."""
    sql = (
        _ONE
        + """FROM notice_exceptions
                    WHERE state = 'asked' OR state = 'stands' AND until <= %(now)s
                    ORDER BY until LIMIT %(limit)s FOR UPDATE SKIP LOCKED"""
    )
    return tx.all(sql, Exempt, now=tx.now, limit=limit)


def told_at(tx: Tx, decision: str) -> datetime | None:
    """Return when the person will be told, where that is still to come; else None."""
    sql = """SELECT max(next_at) FROM acts WHERE decision = %(d)s AND verb = 'notify'
             AND state = 'intended' AND attempts = 0 AND next_at > %(now)s"""
    found = tx.value(sql, d=decision, now=tx.now)
    return found if isinstance(found, datetime) else None
