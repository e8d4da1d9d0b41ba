"""The same counting without a database: for examples of packs and for back-tests."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from openhaven.history.book import Book
from openhaven.history.model import Counter
from openhaven.history.tallies import Values
from openhaven.intake.model import Event


class Replay:
    """Counts events one after another in memory; the answers are those that `count` would give.

    `digest` makes the keys. Up to 256 different things in a window it does not matter which;
    beyond, equal estimates need that of the installation (`tx.keys.digest`).
    """

    def __init__(
        self, counters: Sequence[Counter], digest: Callable[[bytes], bytes] | None = None
    ) -> None:
        self._book = Book(counters, digest or _digest)

    def take(self, platform: str, event: Event, now: datetime | None = None) -> Values:
        """Count one event, judged at `now` (as it happens when left out); return the answers.

        Events come in the order in which they were stored, without content that must not be read.
        """
        return self._book.take(self._book.look(platform, event, now or event.at))


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
