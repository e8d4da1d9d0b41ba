"""Signals: detectors, each of which answers one question about an event with findings.

Built-in are exact and perceptual hashes of media (`hashes`, compared with `banks`), terms in texts
(`text`) and links (`links`); packages may bring more by the entry-point group `openhaven.signals`.
`load` makes them, `measure` asks them: a signal that fails or is late answers *unknown*, and none
sees content for which there is no ground. Names are loaded when first used, because the decoder's
own process (`hashes.decoder`) passes through this door and shall stay small.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openhaven.signals.asking import measure, visible
    from openhaven.signals.banks import Bank, BankInfo, Banks, Match, Snapshot
    from openhaven.signals.films import look_closer
    from openhaven.signals.hashes import MediaHash, MediaHasher, pdq
    from openhaven.signals.links import LinkLists, canonical
    from openhaven.signals.model import Finding, Signal
    from openhaven.signals.plugins import Tools, load
    from openhaven.signals.text import TermList, Terms

_HOMES = {
    "Bank": "banks",
    "BankInfo": "banks",
    "Banks": "banks",
    "Finding": "model",
    "LinkLists": "links",
    "Match": "banks",
    "MediaHash": "hashes",
    "MediaHasher": "hashes",
    "Signal": "model",
    "Snapshot": "banks",
    "TermList": "text",
    "Terms": "text",
    "Tools": "plugins",
    "canonical": "links",
    "load": "plugins",
    "look_closer": "films",
    "measure": "asking",
    "pdq": "hashes",
    "visible": "asking",
}

__all__ = [
    "Bank",
    "BankInfo",
    "Banks",
    "Finding",
    "LinkLists",
    "Match",
    "MediaHash",
    "MediaHasher",
    "Signal",
    "Snapshot",
    "TermList",
    "Terms",
    "Tools",
    "canonical",
    "load",
    "look_closer",
    "measure",
    "pdq",
    "visible",
]

if not TYPE_CHECKING:  # else a misspelt name would pass the type checker

    def __getattr__(name: str) -> Any:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{home}"), name)
