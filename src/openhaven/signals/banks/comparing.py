"""Comparing one file with chosen banks, for people: nothing is kept of it."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from openhaven.signals.banks.model import LEAST_QUALITY, Kind, Match
from openhaven.signals.banks.snapshot import Snapshot
from openhaven.signals.hashes.media import MediaHash

# Harms to children of which the material itself must not be handled by anybody.
_CHILDREN = ("csam", "grooming", "sextortion", "sadistic_exploitation", "child_trafficking")
WHY_NOT = (
    "Banks about harm to children are left out. Whoever could ask them about any file could learn "
    "what is known and what is not, and such a file must not be kept or passed on to be tried. "
    "What you have come across belongs to a task, to a hotline or to the police."
)


class Compared(NamedTuple):
    """What one bank knows of a file: its nearest entry, by the reading of the file that found it.

    `reading` is empty for the file as people see it.
    """

    kind: Kind
    reading: str
    match: Match


def protects_children(harm: str) -> bool:
    """Say whether banks of this harm are closed to free comparing."""
    return harm.partition(".")[0] in _CHILDREN


def compare(banks: Snapshot, seen: MediaHash, names: Collection[str]) -> list[Compared]:
    """Return the nearest entry of each of these banks that knows the file, nearest first."""
    best: dict[str, Compared] = {}
    for kind, value, reading in values(seen):
        for match in banks.match(kind, value):
            known = best.get(match.bank)
            if match.bank in names and (
                known is None or match.distance < known.match.distance
            ):  # fmt: skip
                best[match.bank] = Compared(kind, reading, match)
    return sorted(best.values(), key=lambda one: (one.match.distance, one.match.bank))


def values(seen: MediaHash) -> Iterator[tuple[Kind, bytes, str]]:
    """Yield kind, value and reading of everything that can be compared of a file."""
    yield "sha256", seen.sha256, ""
    yield "sha1", seen.sha1, ""
    yield "md5", seen.md5, ""
    if seen.pdq is not None and (seen.quality or 0) >= LEAST_QUALITY:
        yield "pdq", seen.pdq, ""
    for other in seen.others:
        yield "pdq", other.pdq, other.read
