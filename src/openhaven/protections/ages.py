"""How old an account is believed to be: the stronger source wins, ties protect. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from openhaven.core import AgeBand
from openhaven.protections.defaults import Defaults
from openhaven.protections.model import ALL_BANDS, MINORS, Evidence, Source

# Of equally strong sources, who is younger counts.
_YOUTH = {band: place for place, band in enumerate(ALL_BANDS)}


class Age(msgspec.Struct, frozen=True):
    """A band, the source that it rests on (None when nothing counts) and how far it is believed."""

    band: AgeBand = "unknown"
    source: Source | None = None
    confidence: float = 0.0

    @property
    def minor(self) -> bool:
        """Whether this is a known or probable minor."""
        return self.band in MINORS


NOTHING = Age()


def resolve(defaults: Defaults, evidence: Sequence[Evidence], today: date) -> Age:
    """Return the band that the evidence of an account adds up to on `today`.

    Of what has not expired the source with the highest confidence wins; where two are equal, the
    younger band does. Without any the band is unknown.
    """
    best = NOTHING
    for one in evidence:
        if expiry(defaults, one.source, one.band, one.day, one.expires) <= today:
            continue
        confidence = defaults.sources[one.source].confidence
        if confidence < best.confidence:
            continue
        if confidence > best.confidence or _YOUTH[one.band] < _YOUTH[best.band]:
            best = Age(one.band, one.source, confidence)
    return best


def expiry(
    defaults: Defaults, source: Source, band: AgeBand, day: date, asked: date | None
) -> date:
    """Return the day on which evidence stops to count: never later than its source and band allow.

    Who was 13 to 15 on a day is no longer that three years later, so that a band of minors ends
    by itself; then nothing is known, which protects as a minor is protected.
    """
    days = defaults.sources[source].days
    if band in defaults.ends:
        days = min(days, defaults.ends[band])
    latest = day + timedelta(days=days)
    return latest if asked is None else min(asked, latest)
