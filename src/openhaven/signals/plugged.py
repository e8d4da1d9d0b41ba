"""The built-in signal about hashes that plugins compute, compared with banks of the same ones."""

from openhaven.intake.model import Event
from openhaven.signals.banks import Banks, Match
from openhaven.signals.hashes.hashers import values_of
from openhaven.signals.judging import judged
from openhaven.signals.media import detail_of
from openhaven.signals.model import Finding, Media


class PluginHashSignal:
    """Compares what hashers made of each picture with banks of their hashes, the nearest counts."""

    name = "plugin-hashes"
    version = "1"
    gives = frozenset({"banks"})

    def __init__(self, banks: Banks) -> None:
        self._banks = banks

    def measure(self, event: Event, media: Media) -> list[Finding]:
        """Return a finding for each picture, plugin and bank that knows it."""
        findings: list[Finding] = []
        for ref in event.item.media if event.item else ():
            facts = media.get(ref.id)
            for name, value in values_of(facts.plugin_hashes if facts else ()):
                matches = self._banks.match("plugin", value)
                findings += self._found(f"media:{ref.id}", name, matches)
        return findings

    def _found(self, subject: str, name: str, matches: list[Match]) -> list[Finding]:
        harmless = [one for one in matches if one.opinion == "negative" and one.mode == "live"]
        first: dict[str, Match] = {}
        for match in matches:
            if match.opinion != "negative":
                first.setdefault(match.bank, match)
        findings = []
        for match in first.values():
            clears = next((one for one in harmless if one.distance <= match.distance), None)
            opinion, more = judged(match, clears, same=match.distance == 0)
            findings.append(Finding(
                signal=self.name, version=self.version, subject=subject, value=match.bank,
                harm=match.harm, opinion=opinion, confidence=1 / (1 + match.distance / 64),
                detail=detail_of("plugin", match) | {"hasher": name} | more,
            ))  # fmt: skip
        return findings
