"""An exact index of perceptual hashes: every hash within a distance, in microseconds.

`PdqIndex` belongs to one process; `SharedPdqIndex` is a file that many search and change. Both are
a library of their own and know nothing of banks. How they work is told in `docs/matching.md`.
Importing this package loads a compiler (numba); whoever may not need it imports it when the first
question comes.
"""

from openhaven.signals.hashes.index.file import IndexFileError
from openhaven.signals.hashes.index.pdq_index import Matches, PdqIndex, Refused
from openhaven.signals.hashes.index.shared import SharedPdqIndex

__all__ = ["IndexFileError", "Matches", "PdqIndex", "Refused", "SharedPdqIndex"]
