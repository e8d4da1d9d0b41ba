"""Reading what was sent along with a report."""

from datetime import datetime

import msgspec

from openhaven.core import Problem
from openhaven.storage import Tx


class Sent(msgspec.Struct, frozen=True):
    """A picture that was sent along."""

    id: str
    report: str
    subject: str
    type: str
    created_at: datetime
    body: bytes | None = None


def files_of(tx: Tx, case: str) -> list[Sent]:
    """Return what was sent along with the reports of a case, oldest first, unopened."""
    sql = """SELECT f.id, f.report, f.subject, f.type, f.created_at FROM report_files f
             JOIN reports r ON r.id = f.report WHERE r.case_id = %(c)s AND f.body IS NOT NULL
             ORDER BY f.created_at, f.id LIMIT 50"""
    return tx.all(sql, Sent, c=case)


def file_of(tx: Tx, file: str) -> tuple[Sent, bytes]:
    """Return one and its bytes, opened; raises `Problem` (404) when it is not there any more."""
    sql = "SELECT id, report, subject, type, created_at, body FROM report_files WHERE id = %(f)s"
    found = tx.one(sql, Sent, f=file)
    plain = tx.keys.open(found.subject, found.body) if found and found.body else None
    if found is None or plain is None:
        raise Problem("file.unknown", "This picture is not kept (any more).", status=404)
    return found, plain
