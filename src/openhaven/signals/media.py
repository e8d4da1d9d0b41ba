"""The built-in signal about media: exact and perceptual hashes compared with the banks."""

from collections.abc import Iterable

import structlog

from openhaven.intake.model import Event, MediaFacts
from openhaven.signals.banks import Banks, Kind, Match
from openhaven.signals.hashes.perceptual import MIN_QUALITY
from openhaven.signals.model import Finding, Media, Opinion, unknown

log = structlog.get_logger(__name__)

_BITS = 64


class MediaSignal:
    """Compares every piece of media of an event with the banks of hashes.

    A bank counts once for a piece, with its nearest entry. A `negative` bank, which knows pieces as
    harmless, clears matches that are not nearer than its own; an exact one is not cleared so, but
    left to a person. Shadow banks are logged, not answered.
    """

    name = "media"
    version = "1"

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
            findings += self._known(event, subject, facts)
        return findings

    def _known(self, event: Event, subject: str, facts: MediaFacts) -> list[Finding]:
        nearest: dict[str, tuple[Kind, Match]] = {}
        for kind, value in _values(facts):
            for match in self._banks.match(kind, value):
                if match.mode == "shadow":
                    log.info("signals.shadow", about=event.id, bank=match.bank, entry=match.entry)
                else:
                    nearest.setdefault(match.bank, (kind, match))
        harmless = [match.distance for _, match in nearest.values() if match.opinion == "negative"]
        cleared = min(harmless, default=_BITS)
        return [
            self._finding(subject, kind, match, disputed=match.distance == cleared)
            for kind, match in nearest.values()
            if match.opinion != "negative" and (match.distance < cleared or match.distance == 0)
        ]

    def _finding(self, subject: str, kind: Kind, match: Match, *, disputed: bool) -> Finding:
        sure: Opinion = "positive" if match.opinion == "positive" else "investigate"
        detail: dict[str, str | int | float] = {
            "kind": kind,
            "entry": match.entry,
            "distance": match.distance,
            "provenance": match.provenance,
        }
        if disputed:
            detail["disputed"] = 1
        return Finding(
            signal=self.name,
            version=self.version,
            subject=subject,
            value=match.bank,
            harm=match.harm,
            opinion="investigate" if disputed else sure,
            confidence=1 - match.distance / _BITS,
            detail=detail,
        )


def _values(facts: MediaFacts) -> Iterable[tuple[Kind, bytes]]:
    """Yield what can be compared, the surest first; PDQ means nothing at little detail."""
    yield "sha256", facts.sha256
    yield "md5", facts.md5
    if facts.pdq is not None and (facts.quality or 0) >= MIN_QUALITY:
        yield "pdq", facts.pdq
