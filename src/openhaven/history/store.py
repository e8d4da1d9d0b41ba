"""Reading what is counted, and since when."""

from datetime import datetime
from typing import Any

import msgspec

from openhaven.storage import Tx


class Counting(msgspec.Struct, frozen=True):
    """A counter of the policy in force: as it was declared, and since when it counts so."""

    name: str
    declared: dict[str, Any]
    since: datetime


class Space(msgspec.Struct, frozen=True):
    """How much space the counters take: rows, and bytes with their indexes."""

    rows: int
    bytes: int


def counting(tx: Tx) -> list[Counting]:
    """Return what the policy in force counts, by name."""
    sql = "SELECT name, declared, since FROM counters WHERE ended IS NULL ORDER BY name"
    return tx.all(sql, Counting)


def space(tx: Tx) -> Space:
    """Return how much space all counters take."""
    sql = """SELECT count(*) AS rows, pg_total_relation_size('history') AS bytes FROM history"""
    return tx.all(sql, Space)[0]
