"""Keeps large banks in files: takes up what another process made, makes what is due.

A build runs in a thread of its own and holds the lock of its kind; other processes then leave it
alone and take up the file when it is there. When it cannot be written, this process goes on with
what was built in its own memory, says so, and tries again later.
"""

import threading
import time
from collections.abc import Sequence

import structlog

from openhaven.signals.banks.index import NEAR, Index, Near, exact, index, ring_of
from openhaven.signals.banks.kept import Kept, KeptError, Mark, Shelf
from openhaven.signals.banks.model import KINDS, Kind
from openhaven.signals.banks.snapshot import Bank

RETRY_AFTER = 300.0
_MANY = 500_000  # entries from which on a build may take two processors

log = structlog.get_logger("banks")


class Keeper:
    """The files of one process. `trouble` tells, by kind, what does not work and since when."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.trouble: dict[str, str] = {}
        self._stamps: dict[Kind, tuple[int, int] | None] = dict.fromkeys(KINDS)
        self._private: dict[Kind, Kept] = {}
        self._not_before: dict[Kind, float] = {}
        self._building: dict[Kind, threading.Thread] = {}

    def newer(self) -> dict[Kind, Kept]:
        """Return what is new since the last time: files, and what could not be put into one."""
        made: dict[Kind, Kept] = {}
        for kind in KINDS:
            if (private := self._private.pop(kind, None)) is not None:
                made[kind] = private
            if (stamp := self.shelf.stamp(kind)) != self._stamps[kind]:
                self._stamps[kind] = stamp
                try:
                    made[kind] = self.shelf.open(kind)
                    self.trouble.pop(kind, None)
                except (KeptError, OSError) as error:
                    self.refuse(kind, str(error))
        return made

    def refuse(self, kind: Kind, reason: str) -> None:
        """Say that the file of a kind cannot be used; it is made anew when its bank is due."""
        self._say(kind, f"the file is not used: {reason}")

    def keep(self, banks: Sequence[Bank], since: str, mark: Mark | None) -> None:
        """Make the files of these banks, as they were at transaction `since`, in the background."""
        for bank in banks:
            busy = self._building.get(bank.kind)
            if busy is not None and busy.is_alive():
                continue
            if time.monotonic() < self._not_before.get(bank.kind, 0.0):
                continue
            work = threading.Thread(
                target=self._make, args=(bank, since, mark, self._stamps[bank.kind]),
                name=f"bank-{bank.kind}", daemon=True,
            )  # fmt: skip
            self._building[bank.kind] = work
            work.start()

    def wait(self) -> None:
        """Return when nothing is being built."""
        for work in list(self._building.values()):
            work.join()

    def _make(
        self, bank: Bank, since: str, mark: Mark | None, stamp: tuple[int, int] | None
    ) -> None:
        kept = None
        try:
            with self.shelf.building(bank.kind) as mine:
                if not mine or self.shelf.stamp(bank.kind) != stamp:
                    return
                kept = _laid_out(bank, since, mark)
                self.shelf.write(bank.kind, kept)
        except (OSError, MemoryError) as error:
            self._not_before[bank.kind] = time.monotonic() + RETRY_AFTER
            self._say(bank.kind, f"the file cannot be written: {error}")
            if kept is not None:
                self._private[bank.kind] = kept

    def _say(self, kind: Kind, words: str) -> None:
        at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        if kind not in self.trouble:
            self.trouble[kind] = f"since {at}: {words}"
            log.error("banks.not_kept", kind=kind, reason=words)


def as_index(kind: Kind, kept: Kept) -> Index:
    """Return what is kept as the main part of a bank."""
    if kind in NEAR:
        return Near(kept.entries, kept.ring, kept=True)
    return exact(kind, kept.entries, kept=True)


def _laid_out(bank: Bank, since: str, mark: Mark | None) -> Kept:
    entries = index(bank.kind, bank.whole()).entries
    ring = None
    if bank.kind in NEAR:
        ring = ring_of(entries, threads=2 if len(entries.ids) > _MANY else 1)
    return Kept(entries, bank.words, ring, since, mark)
