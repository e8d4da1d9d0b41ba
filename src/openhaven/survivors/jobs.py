"""Periodic work: escalate the clocks, look for copies, ask about matches, end what is over."""

from datetime import datetime

import structlog

from openhaven.core import system
from openhaven.storage import Database
from openhaven.survivors import actions, copies, store, watch

log = structlog.get_logger("survivors")
ME = system("survivors")


def tend(db: Database, now: datetime | None = None) -> int:
    """Do everything that is due at `now` (default: this moment); return 0: nothing waits."""
    with db.begin(ME, now) as tx:
        actions.mark_tasks(tx)
        for running in store.running(tx):
            actions.escalate(tx, running)
        actions.end_answered(tx)
    with db.begin(ME, now) as tx:
        for one in store.to_learn(tx):
            copies.learn(tx, one)
        for one in store.to_unlearn(tx):
            copies.unlearn(tx, one.report)
    with db.begin(ME, now) as tx:
        watch.open_tasks(tx)
    return 0


def keep_watches(db: Database, now: datetime | None = None) -> int:
    """End watches that are over, and forget from where requests came; return 0: nothing waits."""
    with db.begin(ME, now) as tx:
        watch.end_stopped(tx)
        actions.forget_origins(tx)
    return 0
