"""Reading what is known of two accounts at once."""

from collections.abc import Iterable
from datetime import date

import msgspec

from openhaven.core import AgeBand
from openhaven.protections.ages import resolve
from openhaven.protections.defaults import Defaults
from openhaven.protections.model import Evidence, Source
from openhaven.storage import Tx

Pair = tuple[str, str, str, str, str]
"""A platform, what it calls two accounts (the one that acts, and the one that it acts on), and what
the event says of the ages of both.
"""
_Told = list[tuple[Source, AgeBand, date, date | None]]


class Both(msgspec.Struct, frozen=True):
    """What has been told of the ages of two accounts, and whether they are family.

    Family are carer and child, and children of one carer.
    """

    by: tuple[Evidence, ...]
    to: tuple[Evidence, ...]
    family: bool

    def bands(
        self, defaults: Defaults, said: tuple[AgeBand, AgeBand], today: date
    ) -> tuple[AgeBand, AgeBand]:
        """Return how old the two are believed to be, given what an event itself says of them."""
        by, to = (
            resolve(defaults, (*told, *_declared(band, today)), today).band
            for told, band in zip((self.by, self.to), said, strict=True)
        )
        return by, to


def _declared(band: AgeBand, today: date) -> tuple[Evidence, ...]:
    return () if band == "unknown" else (Evidence("declared", band, today),)


class _Row(msgspec.Struct):
    place: int
    by: _Told | None
    to: _Told | None
    family: bool


# Where all that was ever said of an age is what the event says itself, there is nothing to weigh.
_BETWEEN = """
  SELECT n.place::int AS place,
    (SELECT jsonb_agg(jsonb_build_array(e.source, e.band, e.day, e.expires))
     FROM age_evidence e WHERE e.subject = one.subject) AS by,
    (SELECT jsonb_agg(jsonb_build_array(e.source, e.band, e.day, e.expires))
     FROM age_evidence e WHERE e.subject = other.subject) AS to,
    EXISTS (SELECT 1 FROM carers c WHERE (c.child = one.subject AND c.carer = other.subject)
                                      OR (c.child = other.subject AND c.carer = one.subject))
    OR EXISTS (SELECT 1 FROM carers c JOIN carers d ON d.carer = c.carer
               WHERE c.child = one.subject AND d.child = other.subject) AS family
  FROM unnest(%(platforms)b::text[], %(ones)b::text[], %(others)b::text[], %(by_bands)b::text[],
      %(to_bands)b::text[]) WITH ORDINALITY AS n (platform, one, other, by_band, to_band, place)
  LEFT JOIN accounts one ON one.platform = n.platform AND one.id = n.one
  LEFT JOIN accounts other ON other.platform = n.platform AND other.id = n.other
  WHERE EXISTS (SELECT 1 FROM age_evidence e WHERE e.subject = one.subject
                AND (e.source <> 'declared' OR e.band <> n.by_band))
    OR EXISTS (SELECT 1 FROM age_evidence e WHERE e.subject = other.subject
               AND (e.source <> 'declared' OR e.band <> n.to_band))
    OR EXISTS (SELECT 1 FROM carers c WHERE c.child IN (one.subject, other.subject))"""


def between(tx: Tx, pairs: Iterable[Pair]) -> dict[Pair, Both]:
    """Return what is known of each pair, with one statement.

    Those are left out of which nobody has said more than the event itself.
    """
    wanted = sorted(set(pairs))
    if not wanted:
        return {}
    platforms, ones, others, by, to = (list(part) for part in zip(*wanted, strict=True))
    rows = tx.all(
        _BETWEEN, _Row, platforms=platforms, ones=ones, others=others, by_bands=by, to_bands=to
    )
    return {wanted[row.place - 1]: _both(row) for row in rows}


def _both(row: _Row) -> Both:
    by, to = (tuple(Evidence(*one) for one in told or ()) for told in (row.by, row.to))
    return Both(by, to, row.family)
