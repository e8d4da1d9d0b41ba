"""The built-in signal about media: exact and perceptual hashes compared with the banks."""

from collections.abc import Iterable
from typing import NamedTuple

from openhaven.intake.model import Event, MediaFacts
from openhaven.signals.banks import Banks, Kind, Match
from openhaven.signals.hashes.model import MIN_QUALITY
from openhaven.signals.model import Finding, Media, Opinion, unknown

Detail = dict[str, str | int | float]
_BITS = 64


class MediaSignal:
    """Compares every piece of media of an event with the banks of hashes.

    A bank counts once for a piece, with its nearest entry. A `negative` bank, which knows pieces as
    harmless, clears matches that are not nearer than its own; an exact one is not cleared so, but
    left to a person. What was cleared, and what a bank in trial knows, is *noted*: people see it,
    rules do not.
    """

    name = "media"
    version = "2"
    gives = frozenset({"banks"})

    def __init__(self, banks: Banks) -> None:
        self._banks = banks

    def measure(self, event: Event, media: Media) -> list[Finding]:
        """Return a finding for each piece and bank that knows it, and for each piece not seen."""
        findings: list[Finding] = []
        for ref in event.item.media if event.item else ():
            facts = media.get(ref.id)
            subject = f"media:{ref.id}"
            if facts is None:
                findings.append(unknown(self, subject, "this media was never uploaded"))
                continue
            if facts.unknown is not None:
                findings.append(unknown(self, subject, facts.unknown))
            findings += self.known(subject, facts)
        return findings

    def known(self, subject: str, facts: MediaFacts) -> list[Finding]:
        """Return a finding for each bank that knows the piece: of its matches the one that counts.

        A piece is known as harmless as far as it was looked at for that: the file by an exact hash,
        but one frame of a film, or one ground behind it, says nothing of the others.
        """
        hits = [
            _Hit(about, match)
            for about in _values(facts)
            for match in self._banks.match(about.kind, about.value)
        ]
        harmless = [hit for hit in hits if hit.match.opinion == "negative" and hit.live]
        best: dict[str, tuple[tuple[bool, int], _Hit, Match | None]] = {}
        for hit in hits:
            if hit.match.opinion == "negative":
                continue
            same = [other.match for other in harmless if other.speaks_for(hit)]
            nearest = min(same, key=_far, default=None)
            cleared = nearest is not None and nearest.distance <= hit.match.distance
            rank = (cleared, hit.match.distance)
            if hit.match.bank not in best or rank < best[hit.match.bank][0]:
                best[hit.match.bank] = (rank, hit, nearest)
        return [self._judged(subject, hit, nearest) for _, hit, nearest in best.values()]

    def _judged(self, subject: str, hit: "_Hit", harmless: Match | None) -> Finding:
        """Return the finding about one match, by what else is known of the piece."""
        match = hit.match
        if match.mode == "shadow":
            return self._finding(subject, hit, "noted", {"noted": "shadow"})
        sure: Opinion = "positive" if match.opinion == "positive" else "investigate"
        if harmless is None or match.distance < harmless.distance:
            return self._finding(subject, hit, sure, {})
        if match.distance > 0:
            why: Detail = {"noted": "cleared", "cleared_by": harmless.entry}
            return self._finding(subject, hit, "noted", why)
        why = {"disputed": 1, "disputed_by": harmless.entry}
        return self._finding(subject, hit, "investigate", why)

    def _finding(self, subject: str, hit: "_Hit", opinion: Opinion, more: Detail) -> Finding:
        match, about = hit.match, hit.about
        if about.read:
            more = more | {"reading": about.read}
        return Finding(
            signal=self.name,
            version=self.version,
            subject=subject,
            value=match.bank,
            harm=match.harm,
            opinion=opinion,
            confidence=1 - match.distance / _BITS,
            detail=detail_of(about.kind, match) | more,
        )


def detail_of(kind: Kind, match: Match) -> Detail:
    """Return what a reviewer may know of a match: entry, distance, origin, quality, limits."""
    detail: Detail = {
        "kind": kind,
        "entry": match.entry,
        "distance": match.distance,
        "provenance": match.provenance,
    }
    if match.quality is not None:
        detail["quality"] = match.quality
    if match.at_most != "act":
        detail["at_most"] = match.at_most
    return detail


def _far(match: Match) -> int:
    return match.distance


class _About(NamedTuple):
    """A value to compare, and the reading of the file that it is of; none for the main one."""

    kind: Kind
    value: bytes
    read: str = ""


class _Hit(NamedTuple):
    """A match, and what was compared."""

    about: _About
    match: Match

    @property
    def live(self) -> bool:
        return self.match.mode == "live"

    def speaks_for(self, other: "_Hit") -> bool:
        """Say whether this match, of a bank of harmless pieces, is about the same as another."""
        exact = self.about.kind != "pdq"
        return exact or self.about == other.about or not (self.about.read or other.about.read)


def _values(facts: MediaFacts) -> Iterable[_About]:
    """Yield what can be compared, the surest first; PDQ means nothing at little detail."""
    yield _About("sha256", facts.sha256)
    if facts.sha1 is not None:
        yield _About("sha1", facts.sha1)
    yield _About("md5", facts.md5)
    if facts.pdq is not None and (facts.quality or 0) >= MIN_QUALITY:
        yield _About("pdq", facts.pdq)
    for value, read in zip(facts.others, facts.reads, strict=True):
        yield _About("pdq", value, read)
