"""Verbs of catching up: owe a reading, list the rooms, tick one off, put one off."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from openhaven import ledger
from openhaven.connectors.matrix.actions import receive
from openhaven.connectors.matrix.catching_up.model import MARGIN, Listing, OwedRoom
from openhaven.storage import Tx

_SETTLES = timedelta(seconds=3)
_LONGEST_PAUSE = 300


def owe(tx: Tx, platform: str, since: datetime | None = None) -> None:
    """Store that everything said on a homeserver since `since` is to be read again.

    Without `since` it is a little before the last moment up to which nothing can be missing; never
    before the homeserver was connected. What was owed already stays owed. A homeserver that has
    just started learns within seconds which rooms it has, so the list is made a little later.
    """
    sql = """UPDATE matrix_servers s SET
               owed_since = least(s.owed_since, greatest(p.created_at,
                 coalesce(%(since)s, s.safe_at - %(margin)s, p.created_at))),
               owed_next_at = %(next)s, owed_error = NULL, caught_up_at = NULL,
               caught_up_events = CASE WHEN s.caught_up_at IS NULL THEN s.caught_up_events ELSE 0
                                  END
             FROM platforms p WHERE p.id = s.platform AND s.platform = %(p)s"""
    tx.run(sql, p=platform, since=since, margin=MARGIN, next=tx.now + _SETTLES)


def trust(tx: Tx, platform: str, heard: datetime) -> None:
    """Note that everything said until `heard` has come: the connection has not broken since."""
    sql = """UPDATE matrix_servers SET safe_at = %(heard)s
             WHERE platform = %(p)s AND (safe_at IS NULL OR safe_at < %(heard)s)"""
    tx.run(sql, p=platform, heard=heard)


def listed(tx: Tx, platform: str, listing: Listing, rooms: Iterable[str]) -> None:
    """Store which rooms are to be read, unless something more came to be owed meanwhile."""
    sql = """UPDATE matrix_servers SET owed_since = NULL, owed_next_at = NULL, owed_error = NULL
             WHERE platform = %(p)s AND owed_since = %(since)s AND owed_next_at = %(next)s"""
    if not tx.run(sql, p=platform, since=listing.since, next=listing.next_at):
        return
    sql = """INSERT INTO matrix_owed_rooms AS o (platform, room, since, next_at)
             SELECT %(p)s, room, %(since)s, %(now)s FROM unnest(%(rooms)s::text[]) AS room
             ON CONFLICT (platform, room) DO UPDATE SET since = least(o.since, excluded.since),
               round = o.round + 1, page = NULL, attempts = 0, next_at = excluded.next_at"""
    tx.run(sql, p=platform, since=listing.since, rooms=sorted(rooms), now=tx.now)
    _end(tx, platform)


def not_listed(tx: Tx, platform: str, error: str) -> None:
    """Note why the list of rooms could not be made; it is tried again."""
    sql = """UPDATE matrix_servers SET owed_error = %(error)s, owed_next_at = %(next)s
             WHERE platform = %(p)s AND owed_since IS NOT NULL"""
    tx.run(sql, p=platform, error=error[:500], next=tx.now + timedelta(seconds=5))


def read(
    tx: Tx, platform: str, owed: OwedRoom, missed: Mapping[str, bytes], page: str | None
) -> int:
    """Put events that had not come into the inbox; tick the room off, or go on at `page`.

    Returns how many of them were new.
    """
    new = receive(tx, platform, missed)
    if new:
        sql = """UPDATE matrix_servers SET caught_up_events = caught_up_events + %(new)s
                 WHERE platform = %(p)s"""
        tx.run(sql, p=platform, new=new)
        ledger.append(tx, "matrix.caught_up", {"platform": platform, "events": str(new)})
    if page is None:
        sql = """DELETE FROM matrix_owed_rooms
                 WHERE platform = %(p)s AND room = %(room)s AND round = %(round)s"""
        tx.run(sql, p=platform, room=owed.room, round=owed.round)
        _end(tx, platform)
    else:
        sql = """UPDATE matrix_owed_rooms
                 SET page = %(page)s, attempts = 0, last_error = NULL, next_at = %(now)s
                 WHERE platform = %(p)s AND room = %(room)s AND round = %(round)s"""
        tx.run(sql, p=platform, room=owed.room, round=owed.round, page=page, now=tx.now)
    return new


def not_read(tx: Tx, platform: str, owed: OwedRoom, error: str) -> None:
    """Note why a room could not be read; it is tried again, after a pause of up to 5 minutes."""
    pause = timedelta(seconds=min(2**owed.attempts, _LONGEST_PAUSE))
    sql = """UPDATE matrix_owed_rooms SET attempts = attempts + 1, last_error = %(error)s,
               next_at = %(next)s WHERE platform = %(p)s AND room = %(room)s"""
    tx.run(sql, p=platform, room=owed.room, error=error[:500], next=tx.now + pause)


def _end(tx: Tx, platform: str) -> None:
    sql = """UPDATE matrix_servers SET caught_up_at = %(now)s
             WHERE platform = %(p)s AND owed_since IS NULL
               AND NOT EXISTS (SELECT 1 FROM matrix_owed_rooms WHERE platform = %(p)s)"""
    tx.run(sql, p=platform, now=tx.now)
