"""An exact index of perceptual hashes: every hash within a distance, in microseconds.

`PdqIndex` is a library of its own: it knows nothing of banks, databases or processes. How it works
is told in `docs/matching.md`. Importing this package loads a compiler (numba); whoever may not need
it imports it when the first question comes.
"""

from openhaven.signals.hashes.index.file import IndexFileError
from openhaven.signals.hashes.index.pdq_index import Matches, PdqIndex, Refused

__all__ = ["IndexFileError", "Matches", "PdqIndex", "Refused"]
