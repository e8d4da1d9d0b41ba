"""What a client remembers of accounts: bounded, forgotten when it is old, safe between threads."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from openhaven.protections.model import Profile

# (when it was asked for, the profile) or (when it was forgotten, None).
_Entry = tuple[float, Profile | None]


class Book:
    """Profiles by account. The longest unused go first when there are too many."""

    def __init__(
        self, most: int, fresh: float, lifetime: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Remember `most` accounts; after `fresh` seconds read anew, after `lifetime` not count."""
        self._most, self._fresh, self._lifetime = most, fresh, lifetime
        self._clock = clock
        self._known: OrderedDict[str, _Entry] = OrderedDict()
        self._due: set[str] = set()
        self._lock = threading.Lock()
        self._emptied = 0.0

    def __len__(self) -> int:
        return sum(profile is not None for _, profile in list(self._known.values()))

    def find(self, accounts: Iterable[str]) -> tuple[dict[str, Profile], list[str]]:
        """Return the profiles that still count, and the accounts that have to be read first."""
        now = self._clock()
        found: dict[str, Profile] = {}
        missing = []
        with self._lock:
            for account in accounts:
                at, profile = self._known.get(account, (0.0, None))
                if profile is None or now - at >= self._lifetime:
                    missing.append(account)
                    continue
                found[account] = profile
                self._known.move_to_end(account)
                if now - at >= self._fresh:
                    self._due.add(account)
        return found, missing

    def due(self, most: int) -> list[str]:
        """Take up to `most` accounts that were asked for and should be read anew."""
        with self._lock:
            return [self._due.pop() for _ in range(min(most, len(self._due)))]

    def put(self, profiles: Mapping[str, Profile], asked: float) -> None:
        """Remember what was asked for at `asked`, unless it was forgotten since."""
        with self._lock:
            for account, profile in profiles.items():
                at, _ = self._known.get(account, (self._emptied, None))
                if asked > at:
                    self._keep(account, (asked, profile))

    def forget(self, accounts: Iterable[str]) -> None:
        """Let these not count any more; what is being read at this moment does not either."""
        now = self._clock()
        with self._lock:
            for account in accounts:
                self._keep(account, (now, None))

    def forget_all(self) -> None:
        """Begin anew."""
        with self._lock:
            self._known.clear()
            self._due.clear()
            self._emptied = self._clock()

    def _keep(self, account: str, entry: _Entry) -> None:
        self._known[account] = entry
        self._known.move_to_end(account)
        self._due.discard(account)
        while len(self._known) > self._most:
            gone, _ = self._known.popitem(last=False)
            self._due.discard(gone)
