"""The directory as one process knows it: a snapshot that is swapped when the directory changes."""

import threading
import time
from contextlib import suppress

from openhaven.core import Problem, utcnow
from openhaven.storage import Database
from openhaven.support import store
from openhaven.support.cries import Cries, load
from openhaven.support.directory import VERIFIED_DAYS, Directory

_FOLLOW = 5.0


class Support:
    """Where to turn: the directory of this moment, and the words that are a cry for help."""

    def __init__(self, db: Database, *, days: int = VERIFIED_DAYS, country: str = "") -> None:
        """Know nothing yet; a verification counts for `days`.

        `country` is where people are whose country is not known (empty: anywhere).
        """
        self._db = db
        self._days = days
        self.country = country
        self.cries: Cries = load()
        self._now = Directory((), utcnow().date(), days=days)
        self._mark = ""
        self._looked = float("-inf")
        self._looking = threading.Lock()

    @property
    def is_recent(self) -> bool:
        """Whether `now` was compared with the database in the last few seconds."""
        return time.monotonic() - self._looked <= _FOLLOW

    @property
    def now(self) -> Directory:
        """The directory as it was last read: from memory alone."""
        return self._now

    def current(self) -> Directory:
        """Return the directory, read anew when it has changed or the day has.

        Help never fails: when the database is away, it is the directory that was read last.
        """
        if not self.is_recent and self._looking.acquire(blocking=False):
            try:
                with suppress(Problem):
                    self._look()
            finally:
                self._looked = time.monotonic()
                self._looking.release()
        return self._now

    def _look(self) -> None:
        with self._db.read() as tx:
            mark = store.state(tx)
            if (mark, tx.now.date()) != (self._mark, self._now.day):
                self._now = store.directory(tx, days=self._days)
                self._mark = mark

    def forget(self) -> None:
        """Look again when the directory is asked for: this process has just written."""
        self._looked = float("-inf")
