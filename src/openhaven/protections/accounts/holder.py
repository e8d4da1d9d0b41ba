"""The protections of one process: the data and the words, and what it remembers of accounts."""

from dataclasses import dataclass
from pathlib import Path

from openhaven.core import system
from openhaven.protections.accounts import actions
from openhaven.protections.accounts.snapshot import Snapshot
from openhaven.protections.checking import Check
from openhaven.protections.defaults import Defaults, load
from openhaven.protections.wording import Words
from openhaven.storage import Database

_ME = system("start")


@dataclass(frozen=True)
class Protections:
    """What checks are answered from."""

    check: Check
    snapshot: Snapshot
    words: Words

    @property
    def defaults(self) -> Defaults:
        """The data in force."""
        return self.check.defaults


def start(db: Database, folder: Path | None = None) -> Protections:
    """Return the protections for a process.

    `folder` holds an operator's own data; what it opens is recorded, once for each set of data.
    Raises `Problem` for data that is unsound or would lift a floor: nothing starts with it.
    """
    defaults, files = load(folder)
    if folder is not None:
        with db.begin(_ME) as tx:
            actions.note_data(tx, defaults)
    words = Words(files)
    return Protections(Check(defaults, words), Snapshot(db), words)
