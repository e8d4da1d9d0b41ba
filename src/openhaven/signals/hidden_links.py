"""The built-in signal about links of which a list holds only hashes, or the first bytes of them.

The first bytes of a hash fit many addresses. By themselves they never are a match: the whole hash
is looked for in banks and asked of a resolver, and where neither can tell, a person looks.
"""

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import structlog

from openhaven.intake.model import Event
from openhaven.signals.banks import Banks, Match
from openhaven.signals.links import prefixes, written
from openhaven.signals.media import Detail, detail_of
from openhaven.signals.model import Finding, Media, Opinion

log = structlog.get_logger(__name__)

WHOLE = 32
MOST = 200  # links of one event
_REMEMBERED_S = 300.0
_MOST_REMEMBERED = 10_000


@runtime_checkable
class Resolver(Protocol):
    """Somebody who can be asked for the whole hashes that begin with some bytes."""

    name: str

    def resolve(self, beginnings: Sequence[bytes]) -> Mapping[bytes, Collection[bytes]]:
        """Return for each of these (4 to 31 bytes) the hashes of 32 bytes that are on its list.

        What it cannot tell is left out. It may raise; then it could tell nothing. The caller has a
        second for all signals together, so a short time limit of its own is wise.
        """


class LinkHashSignal:
    """Compares the item's links, and those written in its text, with banks of hashed links."""

    name = "link-hashes"
    version = "1"
    gives = frozenset({"banks"})

    def __init__(self, banks: Banks, resolvers: Sequence[Resolver] = ()) -> None:
        self._banks = banks
        self._answers = _Answers(resolvers)

    def measure(self, event: Event, media: Media) -> list[Finding]:
        """Return a finding for each bank and part of the item of which it holds a link's hash."""
        del media
        if event.item is None or not len(self._banks.snapshot.banks["link-hash"]):
            return []
        found: dict[tuple[str, str], Finding] = {}
        for subject, link in _links(event):
            for one in self._about(subject, link):
                key = (subject, one.value)
                if key not in found or found[key].opinion != "positive":
                    found[key] = one
        return list(found.values())

    def _about(self, subject: str, link: str) -> Iterator[Finding]:
        matches = [
            (match, whole)
            for whole in map(prefixes.hash_of, prefixes.expressions(link))
            for match in self._banks.match("link-hash", whole)
        ]
        open_ = {whole[: match.extra] for match, whole in matches if match.extra < WHOLE}
        told = self._answers.of(open_) if open_ else {}
        fine = [whole for match, whole in matches if _clears(match)]
        for match, whole in matches:
            if match.opinion != "negative":
                known = match.extra == WHOLE or _known(told, whole, match.extra)
                yield self._finding(subject, match, known, whole in fine)

    def _finding(self, subject: str, match: Match, known: bool | None, fine: bool) -> Finding:
        """Return the finding about a match; `known` says whether the whole hash is on a list."""
        opinion: Opinion = "positive" if match.opinion == "positive" else "investigate"
        detail: Detail = detail_of("link-hash", match) | {"bytes": match.extra}
        if match.mode == "shadow":
            opinion, detail["noted"] = "noted", "shadow"
        elif known is False:
            opinion, detail["noted"] = "noted", "cleared"
        elif known is None or fine:
            opinion = "investigate"
            detail["open"] = (
                "it is known as harmless too" if fine else "the whole hash is not known"
            )
        return Finding(
            signal=self.name, version=self.version, subject=subject, value=match.bank,
            harm=match.harm, opinion=opinion, confidence=1.0 if known else match.extra / WHOLE,
            detail=detail,
        )  # fmt: skip


class _Answers:
    """What resolvers said lately; safe for many threads."""

    def __init__(self, resolvers: Sequence[Resolver]) -> None:
        self._resolvers = resolvers
        self._lock = threading.Lock()
        self._said: dict[bytes, tuple[float, frozenset[bytes]]] = {}

    def of(self, beginnings: Collection[bytes]) -> dict[bytes, frozenset[bytes]]:
        """Return the whole hashes for each beginning that could be told."""
        now = time.monotonic()
        with self._lock:
            said = {one: self._said[one] for one in beginnings if one in self._said}
        told = {one: wholes for one, (until, wholes) in said.items() if until > now}
        for resolver in self._resolvers:
            if left := [one for one in beginnings if one not in told]:
                told |= self._ask(resolver, left, now)
        return told

    def _ask(
        self, resolver: Resolver, beginnings: Sequence[bytes], now: float
    ) -> dict[bytes, frozenset[bytes]]:
        try:
            answer = resolver.resolve(beginnings)
            told = {one: frozenset(answer[one]) for one in beginnings if one in answer}
        except Exception as error:
            # A stranger's code and somebody else's server: what fails leaves the question open,
            # and a person looks.
            log.error("links.resolver_failed", resolver=resolver.name, error=type(error).__name__)
            return {}
        with self._lock:
            if len(self._said) > _MOST_REMEMBERED:
                self._said.clear()
            self._said |= {one: (now + _REMEMBERED_S, wholes) for one, wholes in told.items()}
        return told


def _known(told: Mapping[bytes, Collection[bytes]], whole: bytes, length: int) -> bool | None:
    wholes = told.get(whole[:length])
    return None if wholes is None else whole in wholes


def _clears(match: Match) -> bool:
    return match.opinion == "negative" and match.mode == "live" and match.extra == WHOLE


def _links(event: Event) -> Iterator[tuple[str, str]]:
    if event.item is not None:
        for place, link in enumerate(event.item.links):
            yield f"link:{place}", link
        for count, link in enumerate(written(event.item.text or "")):
            if count >= MOST:
                return
            yield "text", link
