"""Who read what: every look of staff at somebody's matter leaves a row, before the page is shown.

One row stands for a person, a matter and a minute. Every few minutes what came is sealed: the
digest of those rows goes into the ledger, so that none can be taken away or altered unseen.
"""

from openhaven.staff.reads.actions import forget, note, seal
from openhaven.staff.reads.model import KINDS, Read, Seek
from openhaven.staff.reads.store import check, found

__all__ = ["KINDS", "Read", "Seek", "check", "forget", "found", "note", "seal"]
