"""Verbs of this room: connect a homeserver, store what it sends, note what became of it."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from openhaven import intake, ledger
from openhaven.connectors.matrix.model import PATIENCE, VERBS, Room, Server, Tokens, Waiting
from openhaven.core import Problem
from openhaven.storage import Tx

KEPT = timedelta(days=30)


def connect(tx: Tx, name: str, url: str, server_name: str, basis: str | None) -> str:
    """Add a homeserver as a platform, with fresh tokens; return the platform's id."""
    if tx.value("SELECT 1 FROM matrix_servers WHERE server_name = %(n)s", n=server_name):
        raise Problem("matrix.exists", f"{server_name} is connected already.", status=409,
                      next_step="See how it is with: openhaven matrix check")  # fmt: skip
    verbs = dict(VERBS)
    platform, _ = intake.add_platform(
        tx, name, connector="matrix", verbs=verbs, private_basis=basis
    )
    tokens = Tokens(ours=secrets.token_hex(32), theirs=secrets.token_hex(32))
    tx.run(
        """INSERT INTO matrix_servers (platform, url, server_name, tokens)
           VALUES (%(p)s, %(url)s, %(server)s, %(tokens)s)""",
        p=platform,
        url=url.rstrip("/"),
        server=server_name,
        tokens=tx.keys.seal(platform, msgspec.json.encode(tokens)),
    )
    return platform


def receive(
    tx: Tx, platform: str, events: Mapping[str, bytes], heard: datetime | None = None
) -> int:
    """Store events of a homeserver, by id; return how many of them are new.

    `heard` is when the newest of them was made, if the homeserver has sent them by itself.
    """
    if not events:
        return 0
    tx.keys.ensure([platform])
    sql = """INSERT INTO matrix_inbox (platform, id, body, received_at, next_at)
             SELECT %(p)s, n.id, n.body, %(now)s, %(now)s
             FROM unnest(%(ids)s::text[], %(bodies)s::bytea[]) WITH ORDINALITY AS n (id, body, nth)
             ORDER BY n.nth ON CONFLICT DO NOTHING"""
    bodies = [tx.keys.seal(platform, body) for body in events.values()]
    stored = tx.run(sql, p=platform, ids=list(events), bodies=bodies, now=tx.now)
    if heard is not None:
        sql = """UPDATE matrix_servers SET heard_at = %(heard)s
                 WHERE platform = %(p)s AND (heard_at IS NULL OR heard_at < %(heard)s)"""
        tx.run(sql, p=platform, heard=min(heard, tx.now))
    if stored:
        tx.wake("matrix")
    return stored


def finish(tx: Tx, server: Server, row: Waiting) -> None:
    """Note that an event was handed to the line, and forget what it said."""
    sql = """UPDATE matrix_inbox SET done_at = %(now)s, body = '', last_error = NULL
             WHERE platform = %(p)s AND id = %(id)s"""
    tx.run(sql, p=server.platform, id=row.id, now=tx.now)


def wait(tx: Tx, server: Server, row: Waiting, error: str) -> None:
    """Put an event off because the homeserver is away; this never counts against the event.

    The pause grows with the time that the event has waited already, up to a minute.
    """
    pause = min(max((tx.now - row.received_at) / 4, timedelta(seconds=1)), timedelta(minutes=1))
    sql = """UPDATE matrix_inbox SET next_at = %(next)s, last_error = %(error)s
             WHERE platform = %(p)s AND id = %(id)s"""
    tx.run(sql, p=server.platform, id=row.id, next=tx.now + pause, error=error)


def stumble(tx: Tx, server: Server, row: Waiting, error: str) -> bool:
    """Note that an event could not be read; after some tries it is set aside for a person."""
    attempts = row.attempts + 1
    stuck = attempts >= PATIENCE
    tx.run(
        """UPDATE matrix_inbox SET attempts = %(attempts)s, last_error = %(error)s,
             next_at = %(next)s, stuck_at = %(stuck)s WHERE platform = %(p)s AND id = %(id)s""",
        p=server.platform,
        id=row.id,
        attempts=attempts,
        error=error[:500],
        next=tx.now + timedelta(seconds=2**attempts),
        stuck=tx.now if stuck else None,
    )
    if stuck:
        ids = {"platform": server.platform, "inbox": str(row.seq)}
        ledger.append(tx, "matrix.set_aside", ids)
    return stuck


def try_again(tx: Tx, platform: str) -> int:
    """Give events that were set aside another round; return how many."""
    sql = """UPDATE matrix_inbox SET stuck_at = NULL, attempts = 0, next_at = %(now)s
             WHERE platform = %(p)s AND stuck_at IS NOT NULL AND done_at IS NULL"""
    count = tx.run(sql, p=platform, now=tx.now)
    if count:
        ledger.append(tx, "matrix.tried_again", {"platform": platform, "events": str(count)})
        tx.wake("matrix")
    return count


def keep_room(tx: Tx, platform: str, room: Room) -> None:
    """Remember what is known of a room; whose notices it holds is never forgotten."""
    tx.run(
        """INSERT INTO matrix_rooms AS r (platform, id, visibility, encrypted, person, seen_at)
           VALUES (%(p)s, %(id)s, %(visibility)s, %(encrypted)s, %(person)s, %(now)s)
           ON CONFLICT (platform, id) DO UPDATE SET visibility = excluded.visibility,
             encrypted = r.encrypted OR excluded.encrypted,
             person = coalesce(excluded.person, r.person), seen_at = excluded.seen_at""",
        p=platform,
        id=room.id,
        visibility=room.visibility,
        encrypted=room.encrypted,
        person=room.person,
        now=tx.now,
    )


def polled(tx: Tx, platform: str, error: str | None) -> None:
    """Note when reports were last fetched, or why they could not be."""
    sql = """UPDATE matrix_servers SET last_error = %(error)s,
               polled_at = CASE WHEN %(error)s::text IS NULL THEN %(now)s ELSE polled_at END
             WHERE platform = %(p)s"""
    tx.run(sql, p=platform, error=error, now=tx.now)


def forget(tx: Tx) -> int:
    """Drop rows that were done long ago: a homeserver does not send so late again."""
    return tx.run("DELETE FROM matrix_inbox WHERE done_at < %(old)s", old=tx.now - KEPT)


def accept(tx: Tx, platform: str, events: Sequence[intake.Event]) -> None:
    """Hand events to the line.

    An event that is there already, with other media ids, stays as it is: it came by another way.
    """
    if events:
        intake.accept(tx, platform, events)
