"""Periodic work: let go of what is past its time, and tell the ledger what has ended."""

from datetime import datetime

from openhaven.core import system
from openhaven.exchange.returning import expiry, lists
from openhaven.storage import Database

ME = system("returning")


def keep_returning(db: Database, now: datetime | None = None) -> int:
    """Let go of what is past its time, and follow what second persons said; return how much."""
    # First what has to go: a list that cannot be taken holds up none of it.
    with db.begin(ME, now) as tx:
        done = expiry.expire(tx)
    with db.begin(ME, now) as tx:
        done += expiry.tell_ends(tx)
    with db.begin(ME, now) as tx:
        return done + lists.follow(tx)
