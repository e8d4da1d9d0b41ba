"""What is kept in a platform's process, and how it is kept true: read, followed, let go."""

import logging
import threading
import time
from collections.abc import Sequence

from openhaven.client import calls
from openhaven.client.book import Book
from openhaven.client.wire import Refused, Unreachable, Wire, read
from openhaven.core import Problem
from openhaven.protections import floors
from openhaven.protections.checking import Check
from openhaven.protections.defaults import Defaults, load
from openhaven.protections.handed import MOST, Handed
from openhaven.protections.model import Profile
from openhaven.protections.spoken import Spoken

_LOG = logging.getLogger("openhaven.client")


class Kept:
    """The data, the words and the profiles; a thread of its own follows what changes."""

    def __init__(self, wire: Wire, book: Book, follow: float) -> None:
        """Ask every `follow` seconds what changed, once somebody has asked for something."""
        self._wire, self.book, self._follow = wire, book, follow
        self._check: Check | None = None
        self._cursor: int | None = None
        self._data = ""
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def check(self) -> Check:
        """What questions are answered by: the server's data, or until it has come what ships."""
        if self._check is None:
            self._check = shipped()
        return self._check

    @property
    def data(self) -> str:
        """The fingerprint of the server's data; empty before it has come."""
        return self._data

    def profiles(self, accounts: Sequence[str]) -> dict[str, Profile]:
        """Return the profiles that can be had; those that cannot are left out."""
        self._keep_following()
        found, missing = self.book.find(accounts)
        if (missing or not self._data) and not self._wire.resting:
            for first in range(0, len(missing) or 1, MOST):
                found |= self.fetch(missing[first : first + MOST])
        return found

    def at_hand(self, accounts: Sequence[str]) -> dict[str, Profile] | None:
        """Return the profiles when nothing has to be read for them, else None."""
        self._keep_following()
        found, missing = self.book.find(accounts)
        ready = self._wire.resting or (not missing and self._data)
        return found if ready else None

    def fetch(self, accounts: Sequence[str]) -> dict[str, Profile]:
        """Read these anew, with the data if it is another; nothing when nobody answers."""
        try:
            return self._read(accounts, follow=False).profiles
        except (Unreachable, Refused) as error:
            self._say(error)
            return {}

    def close(self) -> None:
        """Follow no longer."""
        self._stop.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5)

    def _keep_following(self) -> None:
        """Start the thread; anew after a fork, which threads do not survive."""
        if (self._thread is not None and self._thread.is_alive()) or self._stop.is_set():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="openhaven", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(self._follow):
            if self._wire.resting:
                continue
            try:
                self._read(self.book.due(MOST), follow=True)
            except (Unreachable, Refused) as error:
                self._say(error)

    def _read(self, accounts: Sequence[str], *, follow: bool) -> Handed:
        asked = time.monotonic()
        since = self._cursor if follow else None
        handed = read(self._wire.send(calls.snapshot(accounts, self._data, since)), Handed)
        if handed.defaults is not None and handed.languages is not None:
            self._take(handed, handed.defaults)
        if follow:
            self._note_changes(handed, since)
        elif self._cursor is None or handed.cursor < self._cursor:
            # From the oldest reading on, all that is written is asked for.
            self._cursor = handed.cursor
        self.book.put(handed.profiles, asked)
        return handed

    def _note_changes(self, handed: Handed, since: int | None) -> None:
        if handed.changed is None or since is None:
            self.book.forget_all()
        else:
            # What was just read anew is not older than the change.
            self.book.forget(set(handed.changed) - handed.profiles.keys())
        self._cursor = handed.cursor

    def _take(self, handed: Handed, defaults: Defaults) -> None:
        """Put the server's data in force; raises `Refused` when it would lift a floor."""
        for region, bands in defaults.table.items():
            for band, cells in bands.items():
                for fault in floors.lifted(cells, band):
                    raise Refused(200, "protections.unsound", f"{fault} for {band} in {region}")
        self._check = Check(defaults, Spoken(handed.languages or {}))
        self._data = handed.data

    def _say(self, error: Exception) -> None:
        _LOG.warning("Openhaven: %s Checks go on with what is known here.", error)


def shipped() -> Check:
    """Return the check with the data and the words that ship with this package."""
    # Only who has never reached the server reads files, and needs what reads them.
    from openhaven.protections.wording import Words

    defaults, files = load()
    return Check(defaults, Words(files))


def as_refused(problem: Problem) -> Refused:
    """Return what is wrong with a question in the words of this client."""
    return Refused(problem.status, problem.code, f"{problem.title} {problem.detail}".strip())
