"""Periodic work of records: retention, in small steps so that the line does not wait."""

from datetime import datetime

import structlog

from openhaven.core import system
from openhaven.records.actions import KINDS, forget
from openhaven.storage import Blobs, Database
from openhaven.storage.settings import Retention

log = structlog.get_logger("records")
_ME = system("retention")


def retain(db: Database, blobs: Blobs, kept: Retention, now: datetime | None = None) -> int:
    """Forget everything that is past its retention at `now` (default: this moment).

    Returns 0, since nothing waits for more.
    """
    for kind in KINDS:
        total = 0
        while gone := _step(db, blobs, kind, kept, now):
            total += gone
        if total:
            log.info("records.forgotten", kind=kind, number=total)
    return 0


def _step(db: Database, blobs: Blobs, kind: str, kept: Retention, now: datetime | None) -> int:
    with db.begin(_ME, now) as tx:
        gone = forget(tx, kind, kept)
    # After the commit: a crash in between leaves a blob whose key is destroyed already.
    for blob in gone:
        if blob:
            blobs.delete(blob)
    return len(gone)
