"""The pack in force in this process, swapped at once and as a whole."""

from pathlib import Path

from openhaven.policy.load import load
from openhaven.policy.pack import Pack


class Packs:
    """Holds the current pack. Readers take `current` once and work with that one to the end."""

    def __init__(self, current: Pack) -> None:
        self._current = current

    @property
    def current(self) -> Pack:
        """The pack in force."""
        return self._current

    def swap(self, pack: Pack) -> Pack:
        """Put `pack` in force and return the one before it."""
        before, self._current = self._current, pack
        return before

    def reload(self, path: Path | str) -> Pack:
        """Load the pack at `path` and put it in force; returns it.

        Raises `BrokenPack` when it has mistakes; the pack in force then stays.
        """
        pack = load(path)
        self.swap(pack)
        return pack
