"""Counting lawful requests, for everybody: by kind, country and outcome. Reads only."""

import msgspec

from openhaven.storage import Tx

# How a request ended, in one word; `given_part` is less than was asked.
OUTCOME = """CASE WHEN state = 'produced' THEN CASE WHEN part THEN 'given_part' ELSE 'given' END
  WHEN state = 'refused' THEN 'refused_' || refusal
  WHEN ended_at IS NULL THEN 'open' ELSE state END"""


class Tally(msgspec.Struct, frozen=True):
    """How many there were of one sort."""

    key: str
    n: int


class Sums(msgspec.Struct, frozen=True):
    """Accounts of which data was given, the median time to an answer, words that were put off."""

    accounts: int
    answered: int
    median_hours: float | None
    delayed: int


def by(tx: Tx, what: str) -> list[Tally]:
    """Return how many requests there were by `kind`, `country` or `outcome`, most first."""
    column = {"kind": "kind", "country": "country", "outcome": OUTCOME}[what]
    sql = f"""SELECT {column} AS key, count(*) AS n FROM lawful_requests
              GROUP BY 1 ORDER BY n DESC, key"""  # noqa: S608 (constants)
    return tx.all(sql, Tally)


def sums(tx: Tx) -> Sums:
    """Return what else is counted of all requests, in true numbers."""
    sql = """SELECT coalesce(sum(accounts) FILTER (WHERE state = 'produced'), 0)::int AS accounts,
               count(*) FILTER (WHERE ended_at IS NOT NULL) AS answered,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY
                 extract(epoch FROM ended_at - received_at) / 3600)
                 FILTER (WHERE ended_at IS NOT NULL) AS median_hours,
               (SELECT count(*) FROM request_notices WHERE delay_ground <> '') AS delayed
             FROM lawful_requests"""
    found = tx.one(sql, Sums)
    assert found is not None
    return found
