"""The sequencer's work, thin: order what waits, then keep the new head outside of the database."""

from pathlib import Path

from openhaven.core import Problem, system
from openhaven.ledger import store
from openhaven.ledger.actions import BATCH, sequence
from openhaven.ledger.note import Signer
from openhaven.ledger.outside import FILE_NAME, compare_outside, keep_outside, read_outside
from openhaven.storage import Database


class Sequencer:
    """Orders entries and keeps the newest head in a file; any number of them may run at once."""

    def __init__(self, db: Database, signer: Signer, home: Path) -> None:
        """`home` is the directory of state in which the outside copy stands."""
        self._db, self._signer, self._path = db, signer, home / FILE_NAME
        self._kept = ""

    def start(self) -> None:
        """Hold the copy against the database, and bring it up to date after a crash.

        Raises `Problem` when the database was rolled back or rewritten: then nothing may be signed.
        """
        outside = read_outside(self._path)
        with self._db.read() as tx:
            compare_outside(tx, outside, self._signer.vkey)
        self._keep()

    def tick(self) -> int:
        """Order everything that waits and keep the head outside; to be called every second.

        Returns the number of entries that this call has placed. Raises `Problem` when the ledger is
        broken or the copy cannot be written; what was ordered stays ordered.
        """
        total, placed = 0, BATCH
        while placed == BATCH:
            with self._db.begin(system("sequencer")) as tx:
                placed = sequence(tx, self._signer)
            total += placed
        self._keep()
        return total

    def _keep(self) -> None:
        with self._db.read() as tx:
            newest = store.head(tx)
        if newest is None or newest.note == self._kept:
            return
        try:
            keep_outside(self._path, newest.note, self._signer.vkey)
        except OSError as error:
            raise Problem(
                "ledger.not_kept", "The ledger's head could not be kept outside of the database.",
                f"{self._path}: {error.strerror}", status=500,
                next_step="Make room on that disk, or let this user write there.",
            ) from error  # fmt: skip
        self._kept = newest.note
