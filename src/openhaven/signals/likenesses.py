"""The built-in signal about texts that are nearly the same as one in a bank."""

from openhaven.intake.model import Event
from openhaven.signals.banks import Banks, Match
from openhaven.signals.judging import judged
from openhaven.signals.media import detail_of
from openhaven.signals.model import Finding, Media
from openhaven.signals.text import near


class LikenessSignal:
    """Compares the item's text with banks of texts; one too short to be compared has no finding.

    A bank counts once, with its nearest entry. A text that is known as harmless clears matches that
    are not nearer than its own, except those that are exactly the same.
    """

    name = "texts"
    version = "1"
    gives = frozenset({"banks"})

    def __init__(self, banks: Banks) -> None:
        self._banks = banks

    def measure(self, event: Event, media: Media) -> list[Finding]:
        """Return a finding for each bank that knows a text like the item's."""
        del media
        text = event.item.text if event.item else None
        if not text or not len(self._banks.snapshot.banks["text"]):
            return []
        sketch = near.sketch(text)
        matches = [] if sketch is None else self._banks.match("text", sketch)
        harmless = next(
            (one for one in matches if one.opinion == "negative" and one.mode == "live"), None
        )
        first: dict[str, Match] = {}
        for match in matches:
            if match.opinion != "negative":
                first.setdefault(match.bank, match)
        return [self._finding(match, harmless) for match in first.values()]

    def _finding(self, match: Match, harmless: Match | None) -> Finding:
        alike = near.similarity(match.distance)
        detail = detail_of("text", match) | {"similarity": round(alike, 2)}
        near_enough = harmless is not None and harmless.distance <= match.distance
        clears = harmless if near_enough else None
        opinion, more = judged(match, clears, same=match.distance == 0)
        return Finding(
            signal=self.name, version=self.version, subject="text", value=match.bank,
            harm=match.harm, opinion=opinion, confidence=alike, detail=detail | more,
        )  # fmt: skip
