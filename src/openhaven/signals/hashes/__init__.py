"""Hashes of media: exact ones of the bytes, and PDQ of a picture as people see it.

Bytes from strangers are decoded in a process of their own (`decoder`), which `MediaHasher` starts,
watches and ends. Names are loaded when first used, so that this process stays small.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openhaven.signals.hashes.decode import UndecodableError, pdq, pdq_dihedral
    from openhaven.signals.hashes.index import IndexFileError, Matches, PdqIndex, SharedPdqIndex
    from openhaven.signals.hashes.media import MediaHash, MediaHasher
    from openhaven.signals.hashes.model import Reading
    from openhaven.signals.hashes.perceptual import pdq_of_array

_HOMES = {
    "IndexFileError": "index",
    "Matches": "index",
    "MediaHash": "media",
    "MediaHasher": "media",
    "PdqIndex": "index",
    "SharedPdqIndex": "index",
    "UndecodableError": "decode",
    "Reading": "model",
    "pdq": "decode",
    "pdq_dihedral": "decode",
    "pdq_of_array": "perceptual",
}

__all__ = [
    "IndexFileError",
    "Matches",
    "MediaHash",
    "MediaHasher",
    "PdqIndex",
    "Reading",
    "SharedPdqIndex",
    "UndecodableError",
    "pdq",
    "pdq_dihedral",
    "pdq_of_array",
]

if not TYPE_CHECKING:  # else a misspelt name would pass the type checker

    def __getattr__(name: str) -> Any:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{home}"), name)
