"""What this process remembers of accounts, so that a check asks no database.

An account is read once and then followed: twice a second the process asks which accounts somebody
wrote about, and forgets those; no answer is more than a second behind. What only events tell (the
country) is read anew after half a minute. An account that nobody knows is remembered as well, so
that every account costs the same.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from openhaven.protections.accounts import store
from openhaven.protections.accounts.store import Whose
from openhaven.protections.model import STRANGER, Profile
from openhaven.storage import Database

_FOLLOW = 0.5
_KEPT = 30.0
_MOST = 200_000


class Snapshot:
    """The profiles of the accounts that were asked for lately."""

    def __init__(self, db: Database, *, follow: float = _FOLLOW, most: int = _MOST) -> None:
        """Remember at most `most` accounts; ask what changed every `follow` seconds."""
        self._db = db
        self._follow, self._most = follow, most
        self._known: OrderedDict[Whose, tuple[float, Profile]] = OrderedDict()
        # Whoever reads holds this, so that nothing old is stored after it was said to be old.
        self._reading = threading.Lock()
        self._since: int | None = None
        self._followed = 0.0
        self._asked = 0.0

    def profiles(self, platform: str, accounts: Iterable[str]) -> Mapping[str, Profile]:
        """Return the profile of each account of a platform.

        One whom nobody has told us of is a stranger. Raises `Problem` (503) when the database is
        away and something has to be read.
        """
        now = time.monotonic()
        if now - self._followed > self._follow:
            self._catch_up()
        found: dict[str, Profile] = {}
        missing = []
        for account in set(accounts):
            kept = self._known.get((platform, account))
            if kept is not None and now - kept[0] < _KEPT:
                found[account] = kept[1]
            else:
                missing.append((platform, account))
        if missing:
            found |= self._read(missing)
        return found

    def at_once(self, platform: str, accounts: Iterable[str]) -> Mapping[str, Profile] | None:
        """Return the profiles from memory alone, or None when something has to be read first."""
        now = time.monotonic()
        if self._is_late(now):
            return None
        found: dict[str, Profile] = {}
        for account in accounts:
            kept = self._known.get((platform, account))
            if kept is None or now - kept[0] >= _KEPT:
                return None
            found[account] = kept[1]
        return found

    def _is_late(self, now: float) -> bool:
        """Say whether this one has to ask what changed.

        One goes and asks; the others are answered meanwhile, but not for longer than another turn.
        """
        late = now - self._followed
        if late <= self._follow:
            return False
        if late <= 2 * self._follow and now - self._asked <= self._follow:
            return False
        self._asked = now
        return True

    def forget(self, platform: str, account: str) -> None:
        """Read this account anew when it is asked for again: this process has just written."""
        with self._reading:
            self._known.pop((platform, account), None)

    def _catch_up(self) -> None:
        """Forget the accounts that somebody wrote about since the last time."""
        with self._reading:
            if time.monotonic() - self._followed <= self._follow:
                return
            with self._db.read() as tx:
                horizon = store.horizon(tx)
                gone = [] if self._since is None else store.changed(tx, self._since)
            for whose in gone:
                self._known.pop(whose, None)
            self._since, self._followed = horizon, time.monotonic()

    def _read(self, missing: list[Whose]) -> dict[str, Profile]:
        with self._reading:
            with self._db.read() as tx:
                rows = store.profiles(tx, missing)
            now = time.monotonic()
            for whose in missing:
                self._known[whose] = (now, rows.get(whose, STRANGER))
                self._known.move_to_end(whose)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return {whose[1]: rows.get(whose, STRANGER) for whose in missing}
