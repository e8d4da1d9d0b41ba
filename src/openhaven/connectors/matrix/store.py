"""Reading: homeservers, rooms, and what waits in the inbox."""

import hmac
from datetime import datetime

import msgspec

from openhaven import intake
from openhaven.connectors.matrix.model import Room, Server, Tokens, Waiting
from openhaven.core import Problem
from openhaven.storage import Tx


class _Row(msgspec.Struct):
    platform: str
    name: str
    url: str
    server_name: str
    private_basis: str | None
    connected_at: datetime
    polled_at: datetime | None
    last_error: str | None
    heard_at: datetime | None
    tokens: bytes


_SERVER = """SELECT s.platform, p.name, s.url, s.server_name, p.private_basis,
               p.created_at AS connected_at, s.polled_at, s.last_error, s.heard_at,
               s.tokens
             FROM matrix_servers s JOIN platforms p ON p.id = s.platform """


def servers(tx: Tx) -> list[Server]:
    """Return every homeserver whose tokens can be opened."""
    rows = tx.all(_SERVER + "ORDER BY s.platform", _Row)
    return [server for row in rows if (server := _opened(tx, row)) is not None]


def server(tx: Tx, platform: str) -> Server:
    """Return the homeserver of a platform, or raise `Problem` (404)."""
    row = tx.one(_SERVER + "WHERE s.platform = %(p)s OR p.name = %(p)s", _Row, p=platform)
    found = None if row is None else _opened(tx, row)
    if found is None:
        raise Problem("matrix.unknown", f"There is no homeserver “{platform}”.", status=404,
                      next_step="Connect it with: openhaven matrix connect")  # fmt: skip
    return found


def server_with_token(tx: Tx, token: str) -> Server | None:
    """Return the homeserver that this token belongs to; compares in constant time."""
    found = None
    for known in servers(tx):
        if hmac.compare_digest(known.tokens.theirs.encode(), token.encode()):
            found = known
    return found


def _opened(tx: Tx, row: _Row) -> Server | None:
    plain = tx.keys.open(row.platform, row.tokens)
    if plain is None:
        return None
    tokens = msgspec.json.decode(plain, type=Tokens)
    return Server(**(msgspec.structs.asdict(row) | {"tokens": tokens}))


def waiting(tx: Tx, platform: str, limit: int) -> list[Waiting]:
    """Return what waits and is due, in the order in which it came."""
    sql = """SELECT seq, id, body, received_at, attempts FROM matrix_inbox
             WHERE platform = %(p)s AND done_at IS NULL AND stuck_at IS NULL
               AND next_at <= %(now)s
             ORDER BY seq LIMIT %(limit)s"""
    return tx.all(sql, Waiting, p=platform, now=tx.now, limit=limit)


def room(tx: Tx, platform: str, room_id: str) -> Room | None:
    """Return what is known of a room."""
    sql = """SELECT id, visibility, encrypted, person FROM matrix_rooms
             WHERE platform = %(p)s AND id = %(id)s"""
    return tx.one(sql, Room, p=platform, id=room_id)


def room_of_person(tx: Tx, platform: str, person: str) -> str | None:
    """Return the room of our notices to a person."""
    sql = "SELECT id FROM matrix_rooms WHERE platform = %(p)s AND person = %(person)s LIMIT 1"
    found: str | None = tx.value(sql, p=platform, person=person)
    return found


def born(tx: Tx, platform: str, account: str) -> datetime | None:
    """Return when an account that the line knows signed up, if that is known."""
    sql = "SELECT created_at FROM accounts WHERE platform = %(p)s AND id = %(id)s"
    found: datetime | None = tx.value(sql, p=platform, id=account)
    return found


def other_silence(tx: Tx, platform: str, account: str, ended: str) -> bool:
    """Say whether another act than `ended` still holds that makes the account read-only."""
    sql = """SELECT 1 FROM acts a
             WHERE a.platform = %(p)s AND a.target ->> 'account' = %(account)s
               AND a.verb IN ('suspend', 'restrict') AND a.state IN ('accepted', 'done')
               AND a.id <> %(ended)s
               AND NOT EXISTS (SELECT 1 FROM acts b WHERE b.reverses = a.id)"""
    return tx.value(sql, p=platform, account=account, ended=ended) is not None


def other_quarantines(tx: Tx, platform: str, item: str) -> int:
    """Return how many other items are taken away that hold the same file, byte for byte."""
    sql = """SELECT count(DISTINCT a.target ->> 'item') FROM media m
             JOIN events e ON e.seq = m.event AND e.platform = %(p)s AND e.item = %(item)s
             JOIN media n ON n.sha256 = m.sha256 AND n.platform = %(p)s
             JOIN events f ON f.seq = n.event AND f.item <> %(item)s
             JOIN acts a ON a.platform = %(p)s AND a.target ->> 'item' = f.item
               AND a.verb IN ('remove', 'block', 'restrict') AND a.state IN ('accepted', 'done')
               AND NOT EXISTS (SELECT 1 FROM acts b WHERE b.reverses = a.id)
             WHERE m.platform = %(p)s"""
    return int(tx.value(sql, p=platform, item=item) or 0)


def files_of_item(tx: Tx, platform: str, item: str) -> tuple[str, ...]:
    """Return the addresses of the files that an item and its edits had, as far as we still know."""
    sql = """SELECT seq FROM events WHERE platform = %(p)s AND item = %(item)s
               AND kind IN ('message.send', 'post.edit') ORDER BY seq"""
    found: dict[str, None] = {}
    for row in tx.rows(sql, p=platform, item=item):
        event = intake.open_event(tx, row["seq"])[1]
        if event is not None:
            found |= dict.fromkeys(str(event.context.get("files", "")).split())
    return tuple(found)


def removed_by_us(tx: Tx, platform: str, item: str) -> bool:
    """Say whether an act of ours takes this item away."""
    sql = """SELECT 1 FROM acts WHERE platform = %(p)s AND target ->> 'item' = %(item)s
               AND verb IN ('remove', 'block')"""
    return tx.value(sql, p=platform, item=item) is not None


class Health(msgspec.Struct, frozen=True):
    """How much waits in the inbox, since when, how much was set aside, and the last error."""

    waiting: int
    oldest: datetime | None
    stuck: int
    last_error: str | None


def health(tx: Tx, platform: str) -> Health:
    """Return how the inbox of a homeserver stands."""
    sql = """SELECT count(*) FILTER (WHERE stuck_at IS NULL) AS waiting,
               min(received_at) FILTER (WHERE stuck_at IS NULL) AS oldest,
               count(*) FILTER (WHERE stuck_at IS NOT NULL) AS stuck,
               (SELECT last_error FROM matrix_inbox WHERE platform = %(p)s AND done_at IS NULL
                  AND last_error IS NOT NULL ORDER BY seq DESC LIMIT 1) AS last_error
             FROM matrix_inbox WHERE platform = %(p)s AND done_at IS NULL"""
    found = tx.one(sql, Health, p=platform)
    assert found is not None
    return found
