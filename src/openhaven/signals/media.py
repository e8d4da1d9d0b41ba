"""The built-in signal about media: exact and perceptual hashes compared with the banks."""

from collections.abc import Iterable

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
            findings += self._known(subject, facts)
        return findings

    def _known(self, subject: str, facts: MediaFacts) -> list[Finding]:
        nearest: dict[str, tuple[Kind, Match]] = {}
        for kind, value in _values(facts):
            for match in self._banks.match(kind, value):
                before = nearest.get(match.bank)
                if before is None or match.distance < before[1].distance:
                    nearest[match.bank] = (kind, match)
        live = [match for _, match in nearest.values() if match.mode == "live"]
        harmless = min((one for one in live if one.opinion == "negative"), key=_far, default=None)
        return [
            self._judged(subject, kind, match, harmless)
            for kind, match in nearest.values()
            if match.opinion != "negative"
        ]

    def _judged(self, subject: str, kind: Kind, match: Match, harmless: Match | None) -> Finding:
        """Return the finding about one match, by what else is known of the piece."""
        if match.mode == "shadow":
            return self._finding(subject, kind, match, "noted", {"noted": "shadow"})
        sure: Opinion = "positive" if match.opinion == "positive" else "investigate"
        if harmless is None or match.distance < harmless.distance:
            return self._finding(subject, kind, match, sure, {})
        if match.distance > 0:
            why: Detail = {"noted": "cleared", "cleared_by": harmless.entry}
            return self._finding(subject, kind, match, "noted", why)
        why = {"disputed": 1, "disputed_by": harmless.entry}
        return self._finding(subject, kind, match, "investigate", why)

    def _finding(
        self, subject: str, kind: Kind, match: Match, opinion: Opinion, more: Detail
    ) -> Finding:
        return Finding(
            signal=self.name,
            version=self.version,
            subject=subject,
            value=match.bank,
            harm=match.harm,
            opinion=opinion,
            confidence=1 - match.distance / _BITS,
            detail=detail_of(kind, match) | more,
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


def _values(facts: MediaFacts) -> Iterable[tuple[Kind, bytes]]:
    """Yield what can be compared, the surest first; PDQ means nothing at little detail."""
    yield "sha256", facts.sha256
    yield "md5", facts.md5
    if facts.pdq is not None and (facts.quality or 0) >= MIN_QUALITY:
        yield "pdq", facts.pdq
