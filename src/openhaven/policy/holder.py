"""What is in force in this process: a pack and the signals made from it, swapped as one."""

from dataclasses import dataclass

from openhaven import signals
from openhaven.policy.pack import Pack
from openhaven.signals import Banks, Signal


@dataclass(frozen=True)
class InForce:
    """A pack with the signals that look for what its lists name. It never changes.

    `row` is the number of the row in `packs_in_force` that says so; 0 outside of a database.
    """

    pack: Pack
    signals: tuple[Signal, ...]
    row: int = 0


def in_force(pack: Pack, banks: Banks, row: int = 0) -> InForce:
    """Return `pack` with its signals, which share the `banks` of this process.

    Raises `Problem` when an installed package's signal cannot be made.
    """
    made = signals.load(signals.Tools(banks, pack.term_lists, pack.link_lists))
    return InForce(pack, made, row)


class Packs:
    """Holds what is in force. Whoever judges takes `now` once, and works with that to the end."""

    def __init__(self, now: InForce) -> None:
        self._now = now
        self.trouble = ""
        """Why this process does not run what was published last; empty when it does."""
        self.refused = 0
        """The row whose pack could not be loaded here; it is not tried again."""

    @property
    def now(self) -> InForce:
        """The pack in force and its signals, which belong together."""
        return self._now

    @property
    def current(self) -> Pack:
        """The pack in force."""
        return self._now.pack

    def swap(self, now: InForce) -> InForce:
        """Put `now` in force and return what was before; one assignment, so never half of each."""
        before, self._now = self._now, now
        self.trouble, self.refused = "", 0
        return before

    def stay(self, row: int, why: str) -> None:
        """Note why what row `row` says cannot run here; what runs goes on."""
        self.trouble, self.refused = why, row
