"""The built-in signal about films: runs of frames that are those of a film in a bank."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from openhaven.intake.model import Event
from openhaven.signals.banks import Banks, Match
from openhaven.signals.hashes.media import MediaHash, MediaHasher
from openhaven.signals.judging import judged
from openhaven.signals.media import Detail, detail_of
from openhaven.signals.model import Finding, Media
from openhaven.signals.video import Frame, Part, Sight, aligned, parts, unpacked
from openhaven.signals.video.align import share

ENOUGH = 3  # frames in a row that make a film known
AROUND = 10_000  # ms before and after a hit that are looked at closely
CLOSELY = 60_000  # ms of a film that are looked at so, at most
_BITS = 64
_NAMED = 10


class FilmSignal:
    """Compares the frames of every film with banks of films, and of pictures.

    A bank counts once for a film, with the entry of which most was found. Fewer than three frames
    in a row say only that a person should look, unless the film in the bank has no more than twice
    as many.
    """

    name = "films"
    version = "1"
    gives = frozenset({"banks"})

    def __init__(self, banks: Banks) -> None:
        self._banks = banks

    def measure(self, event: Event, media: Media) -> list[Finding]:
        """Return a finding for each film and bank that knows it or a frame of it."""
        findings: list[Finding] = []
        for ref in event.item.media if event.item else ():
            facts = media.get(ref.id)
            if facts is not None:
                findings += self.known(f"media:{ref.id}", facts.film)
        return findings

    def known(self, subject: str, film: bytes) -> list[Finding]:
        """Return what banks know of a film, given as its frames (36 bytes each; none: nothing)."""
        frames = unpacked(film)
        if not frames:
            return []
        return [*self._as_films(subject, frames), *self._as_pictures(subject, frames)]

    def _as_films(self, subject: str, frames: Sequence[Frame]) -> list[Finding]:
        if not len(self._banks.snapshot.banks["video"]):
            return []
        runs = list(_runs(self._banks, frames))
        fine = [run for run in runs if run.match.opinion == "negative" and run.match.mode == "live"]
        best: dict[str, _Run] = {}
        for run in runs:
            known = best.get(run.match.bank)
            if run.match.opinion != "negative" and (known is None or run.rank > known.rank):
                best[run.match.bank] = run
        return [self._film(subject, run, fine, frames) for run in best.values()]

    def _film(
        self, subject: str, run: "_Run", fine: list["_Run"], frames: Sequence[Frame]
    ) -> Finding:
        clears = next((one for one in fine if one.rank >= run.rank), None)
        same = clears is not None and clears.rank == run.rank
        opinion, more = judged(run.match, clears.match if clears else None, same=same)
        length = len(self._banks.snapshot.banks["video"].frames(run.match.entry))
        if len(run.sights) < ENOUGH and 2 * len(run.sights) < length and opinion == "positive":
            opinion, more = "investigate", {"few": 1}
        found = parts(run.sights)
        covered = share(found, frames[0].at, frames[-1].at)
        detail = detail_of("video", run.match) | _where(found) | more
        detail |= {"frames": len(run.sights), "share": round(covered, 3)}
        return self._finding(subject, run.match, opinion, detail)

    def _as_pictures(self, subject: str, frames: Sequence[Frame]) -> list[Finding]:
        """Return what banks of pictures know of single frames, of each its nearest entry."""
        if not len(self._banks.snapshot.banks["pdq"]):
            return []
        best: dict[str, tuple[int, Frame, Match, Match | None]] = {}
        for frame in frames:
            matches = self._banks.match("pdq", frame.pdq)
            fine = next((m for m in matches if m.opinion == "negative" and m.mode == "live"), None)
            for match in matches:
                clears = fine if fine and fine.distance <= match.distance else None
                rank = match.distance + (1_000 if clears else 0)
                if match.opinion != "negative" and rank < best.get(match.bank, (2_000,))[0]:
                    best[match.bank] = (rank, frame, match, clears)
        findings = []
        for _, frame, match, clears in best.values():
            opinion, more = judged(match, clears, same=match.distance == 0)
            detail = detail_of("pdq", match) | {"reading": "frame", "at_s": frame.at / 1_000} | more
            findings.append(self._finding(subject, match, opinion, detail))
        return findings

    def _finding(self, subject: str, match: Match, opinion: str, detail: Detail) -> Finding:
        return Finding(
            signal=self.name, version=self.version, subject=subject, value=match.bank,
            harm=match.harm, opinion=opinion, confidence=1 - match.distance / _BITS,  # type: ignore[arg-type]
            detail=detail,
        )  # fmt: skip


class _Run(NamedTuple):
    """Frames that are those of a film in a bank, and the nearest of the matches."""

    match: Match
    sights: list[Sight]

    @property
    def rank(self) -> tuple[int, int]:
        """How much was found: frames, and of as many the nearer ones."""
        return len(self.sights), -sum(sight.distance for sight in self.sights)


def _runs(banks: Banks, frames: Iterable[Frame]) -> Iterable[_Run]:
    sights: dict[int, list[Sight]] = {}
    nearest: dict[int, Match] = {}
    for frame in frames:
        for match in banks.match("video", frame.pdq):
            sights.setdefault(match.entry, []).append(Sight(frame.at, match.extra, match.distance))
            before = nearest.setdefault(match.entry, match)
            if match.distance < before.distance:
                nearest[match.entry] = match
    for entry, seen in sights.items():
        yield _Run(nearest[entry], aligned(seen))


def _where(found: Sequence[Part]) -> Detail:
    """Return from where to where, in seconds: of all, and part by part for people."""
    spans = [f"{part.asked_from / 1_000:.0f}-{part.asked_to / 1_000:.0f}" for part in found]
    return {
        "from_s": found[0].asked_from / 1_000,
        "to_s": found[-1].asked_to / 1_000,
        "known_from_s": found[0].known_from / 1_000,
        "known_to_s": found[-1].known_to / 1_000,
        "parts_s": ", ".join(spans[:_NAMED]),
    }


def look_closer(hasher: MediaHasher, banks: Banks, data: bytes) -> MediaHash:
    """Return what is known of these bytes; of a film in which a frame is known, more of its frames.

    What is round the known frames is then decoded through, a minute of it at most.
    """
    found = hasher.hash(data)
    if not found.film or not len(banks.snapshot.banks["video"]):
        return found
    hits = [one.at for one in unpacked(found.film) if banks.match("video", one.pdq)]
    if not hits:
        return found
    film, _ = hasher.film(data, spans_round(hits))
    return replace(found, film=film) if film else found


def spans_round(hits: Iterable[int]) -> list[tuple[int, int]]:
    """Return stretches (from, to in ms) round these moments, a minute in all at most."""
    spans: list[tuple[int, int]] = []
    left = CLOSELY
    for at in sorted(hits):
        begin = max(at - AROUND, spans[-1][1] if spans else 0, 0)
        end = min(at + AROUND, begin + left)
        if end > begin:
            spans.append((begin, end))
            left -= end - begin
    return spans
