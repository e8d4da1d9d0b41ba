"""Reading: what is owed to a homeserver, and which events have come already."""

from collections.abc import Sequence

from openhaven.connectors.matrix.catching_up.model import Listing, OwedRoom, Standing
from openhaven.storage import Tx


def listing(tx: Tx, platform: str) -> Listing | None:
    """Return the list of rooms that is to be made, if there is one, due or not."""
    sql = """SELECT owed_since AS since, owed_next_at AS next_at FROM matrix_servers
             WHERE platform = %(p)s AND owed_since IS NOT NULL"""
    return tx.one(sql, Listing, p=platform)


def due(tx: Tx, platform: str, limit: int) -> list[OwedRoom]:
    """Return at most `limit` rooms that are to be read now, those that wait longest first."""
    sql = """SELECT room, since, round, page, attempts FROM matrix_owed_rooms
             WHERE platform = %(p)s AND next_at <= %(now)s ORDER BY next_at, room LIMIT %(limit)s"""
    return tx.all(sql, OwedRoom, p=platform, now=tx.now, limit=limit)


def known_rooms(tx: Tx, platform: str) -> tuple[set[str], set[str]]:
    """Return the rooms that we know of, and those of them that are our own, with our notices."""
    sql = "SELECT id, person IS NOT NULL AS ours FROM matrix_rooms WHERE platform = %(p)s"
    rows = tx.rows(sql, p=platform)
    return {row["id"] for row in rows}, {row["id"] for row in rows if row["ours"]}


def came(tx: Tx, platform: str, ids: Sequence[str]) -> set[str]:
    """Return those of the events that have come already, by whatever way."""
    sql = "SELECT id FROM matrix_inbox WHERE platform = %(p)s AND id = ANY(%(ids)s)"
    return {row["id"] for row in tx.rows(sql, p=platform, ids=list(ids))}


def standing(tx: Tx, platform: str) -> Standing:
    """Return how the catching up with a homeserver stands."""
    sql = """SELECT s.owed_since IS NOT NULL AS listing, count(o.room) AS rooms,
               least(s.owed_since, min(o.since)) AS since,
               coalesce(s.owed_error, max(o.last_error)) AS error,
               s.caught_up_at AS done_at, s.caught_up_events AS events
             FROM matrix_servers s LEFT JOIN matrix_owed_rooms o ON o.platform = s.platform
             WHERE s.platform = %(p)s GROUP BY s.platform"""
    found = tx.one(sql, Standing, p=platform)
    assert found is not None
    return found
