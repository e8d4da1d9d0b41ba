"""Counting what is kept, what was met and what came of it. Reads only; names nobody."""

from datetime import timedelta

import msgspec

from openhaven.storage import Tx


class ClassRow(msgspec.Struct, frozen=True):
    """What is kept of one class, and how much of it ends within a month."""

    harm: str
    intended: int
    held: int
    listed: int
    tokens: int
    soon: int


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """All that was counted. `ends` is by reason, `met` by strength.

    `right` and `wrong` are those whom people looked at: acted on, or found to be somebody else.
    """

    classes: list[ClassRow]
    ends: dict[str, int]
    met: dict[str, int]
    friction: int
    contests: dict[str, int]
    right: int
    wrong: int
    newcomers: int
    ended: int
    shared: int


class Judged(msgspec.Struct, frozen=True):
    """Of the matches that people looked at, how many were right, and how many somebody else."""

    right: int
    wrong: int


_CLASSES = """
  SELECT e.class AS harm, count(*) FILTER (WHERE e.state = 'intended') AS intended,
    count(*) FILTER (WHERE e.state = 'held' AND e.list IS NULL) AS held,
    count(*) FILTER (WHERE e.list IS NOT NULL) AS listed,
    coalesce(sum((SELECT count(*) FROM returning_tokens t WHERE t.entry = e.id)), 0)::bigint
      AS tokens,
    count(*) FILTER (WHERE e.expires_at < %(soon)s) AS soon
  FROM returning_entries e GROUP BY e.class ORDER BY e.class"""

_JUDGED = """
  SELECT count(*) FILTER (WHERE d.outcome <> 'allow' AND d.state <> 'overturned'
                          AND s.cleared_at IS NULL) AS right,
         count(*) FILTER (WHERE d.outcome = 'allow' OR d.state = 'overturned'
                          OR s.cleared_at IS NOT NULL) AS wrong
  FROM returning_sightings s LEFT JOIN judgements j ON j.task = s.task AND j.state = 'settled'
  LEFT JOIN decisions d ON d.judgement = j.id
  WHERE s.strength IN ('household', 'strong')"""


def judged(tx: Tx) -> Judged:
    """Count what came of the matches that people looked at."""
    return tx.all(_JUDGED, Judged)[0]


def counts(tx: Tx) -> Counts:
    """Count everything that the page shows, up to now; newcomers are those of the last 30 days."""
    month = timedelta(days=30)
    looked = judged(tx)
    newcomers = """SELECT count(*) FROM events WHERE kind = 'account.create'
                   AND received_at > %(since)s"""
    return Counts(
        classes=tx.all(_CLASSES, ClassRow, soon=tx.now + month),
        ends=_by(tx, "SELECT reason AS key, count(*) AS n FROM returning_ends GROUP BY 1"),
        met=_by(tx, """SELECT strength AS key, count(*) AS n FROM returning_sightings
                       WHERE strength IS NOT NULL GROUP BY 1"""),
        friction=int(tx.value("""SELECT count(*) FROM returning_sightings
                                 WHERE friction_until IS NOT NULL""")),
        contests=_by(tx, "SELECT state AS key, count(*) AS n FROM returning_contests GROUP BY 1"),
        right=looked.right,
        wrong=looked.wrong,
        newcomers=int(tx.value(newcomers, since=tx.now - month)),
        ended=int(tx.value("SELECT count(*) FROM returning_entries WHERE state = 'held'")),
        shared=int(tx.value("SELECT count(*) FROM returning_tokens WHERE shared")),
    )  # fmt: skip


def _by(tx: Tx, sql: str) -> dict[str, int]:
    return {str(row["key"]): int(row["n"]) for row in tx.rows(sql + " ORDER BY 1")}
