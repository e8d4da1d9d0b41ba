"""The built-in signal about links: addresses compared with lists and banks of links."""

from openhaven.intake.model import Event
from openhaven.signals.banks import Banks, Match
from openhaven.signals.links import LinkLists, candidates, canonical, links_in
from openhaven.signals.media import detail_of
from openhaven.signals.model import Finding, Media, Opinion


class LinkSignal:
    """Compares the item's links, and those written in its text, with lists and banks."""

    name = "links"
    version = "2"
    gives = frozenset({"links", "banks"})

    def __init__(self, lists: LinkLists, banks: Banks) -> None:
        self._lists, self._banks = lists, banks

    def measure(self, event: Event, media: Media) -> list[Finding]:
        """Return a finding for each list or bank that speaks of an address, once for each part."""
        del media
        if event.item is None:
            return []
        found: dict[tuple[str, str, str], Finding] = {}
        given = [(f"link:{place}", canonical(link)) for place, link in enumerate(event.item.links)]
        written = [("text", form) for form in links_in(event.item.text or "")]
        for subject, form in (*given, *written):
            if form is not None:
                for one in self._about(subject, form):
                    found.setdefault((subject, one.value, one.opinion), one)
        return list(found.values())

    def _about(self, subject: str, form: str) -> list[Finding]:
        findings = [
            self._finding(subject, one.list, "other", "link", {"entry": one.entry})
            for one in self._lists.find(form)
        ]
        if len(self._banks.snapshot.banks["link"]):
            keys = candidates(form)
            matches = [match for key in keys for match in self._banks.match("link", key.encode())]
            findings += self._from_banks(subject, matches)
        return findings

    def _from_banks(self, subject: str, matches: list[Match]) -> list[Finding]:
        harmless = next(
            (one for one in matches if one.opinion == "negative" and one.mode == "live"), None
        )
        findings = []
        for match in matches:
            if match.opinion == "negative":
                continue
            opinion: Opinion = match.opinion
            detail = detail_of("link", match)
            if match.mode == "shadow":
                opinion = "noted"
                detail["noted"] = "shadow"
            elif harmless is not None:
                opinion = "investigate"
                detail |= {"disputed": 1, "disputed_by": harmless.entry}
            findings.append(self._finding(subject, match.bank, match.harm, opinion, detail))
        return findings

    def _finding(
        self,
        subject: str,
        value: str,
        harm: str,
        opinion: Opinion,
        detail: dict[str, str | int | float],
    ) -> Finding:
        return Finding(
            signal=self.name,
            version=self.version,
            subject=subject,
            value=value,
            harm=harm,
            opinion=opinion,
            confidence=1.0,
            detail=detail,
        )
