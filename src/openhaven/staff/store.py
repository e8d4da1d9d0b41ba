"""Reading who works here."""

from datetime import datetime, timedelta

import msgspec

from openhaven.core import Actor, Problem
from openhaven.staff.model import IDLE, Member, Seen, Session
from openhaven.storage import Tx

# For so long somebody is told that another made a sign-in link for them.
_TOLD = timedelta(days=7)
_MEMBER = "SELECT id, name, roles, created_at, disabled_at FROM staff "


def named(tx: Tx, name: str) -> Member:
    """Return the member of this name or id, disabled or not; raises `Problem` (404)."""
    # An id goes first: else who calls themselves by another's id would be taken for them.
    sql = _MEMBER + "WHERE name = %(n)s OR id = %(n)s ORDER BY id = %(n)s DESC LIMIT 1"
    found = tx.one(sql, Member, n=name.strip())
    if found is None:
        raise Problem("staff.missing", "Nobody of that name works here.", status=404,
                      next_step="See who does with: openhaven staff list")  # fmt: skip
    return found


def acting(tx: Tx, name: str) -> Actor:
    """Return the member of this name as one who acts; raises `Problem` (404, 409 who left)."""
    member = named(tx, name)
    if member.disabled_at is not None:
        raise Problem("staff.disabled", f"{member.name} does not work here any more.", status=409)
    return member.actor


def members(tx: Tx) -> list[Member]:
    """Return everybody who works or worked here, by name."""
    return tx.all(_MEMBER + "ORDER BY name", Member)


def link_works(tx: Tx, token: str) -> bool:
    """Say whether a sign-in link could be used now; does not use it."""
    sql = """SELECT 1 FROM sign_in_links l JOIN staff s ON s.id = l.staff
             WHERE l.digest = %(d)s AND l.used_at IS NULL AND l.expires_at > %(now)s
               AND s.disabled_at IS NULL"""
    return tx.value(sql, d=link_digest(tx, token), now=tx.now) is not None


class _Row(msgspec.Struct, frozen=True):
    digest: bytes
    seen_at: datetime
    expires_at: datetime
    session: str
    method: str
    proven_at: datetime
    id: str
    name: str
    roles: tuple[str, ...]
    created_at: datetime
    taken: dict[str, str] | None
    links_only: bool
    to_review: int
    linked_by: str | None


def living_session(tx: Tx, secret: str) -> Session | None:
    """Return the session of this cookie, unless it ended, expired, idled, or its owner left."""
    sql = """SELECT e.digest, e.seen_at, e.expires_at, e.id AS session, e.method, e.proven_at,
               s.id, s.name, s.roles, s.created_at,
               (SELECT jsonb_object_agg(g.permission, g.id) FROM glass_breaks g
                WHERE g.staff = s.id AND g.ends_at > %(now)s AND g.given_back_at IS NULL) AS taken,
               NOT EXISTS (SELECT 1 FROM passkeys p
                           WHERE p.staff = s.id AND p.doubted_at IS NULL)
               AND NOT EXISTS (SELECT 1 FROM passwords p WHERE p.staff = s.id)
               AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.staff = s.id) AS links_only,
               (SELECT count(*) FROM glass_breaks WHERE reviewed_at IS NULL) AS to_review,
               (SELECT coalesce(m.name, 'Somebody on the machine') FROM sign_in_links l
                LEFT JOIN staff m ON m.id = l.made_by
                WHERE l.staff = s.id AND l.created_at > %(told)s
                  AND l.created_at > s.created_at + interval '1 hour'
                ORDER BY l.created_at DESC LIMIT 1) AS linked_by
             FROM sessions e JOIN staff s ON s.id = e.staff
             WHERE e.digest = %(d)s AND e.ended_at IS NULL AND s.disabled_at IS NULL
               AND e.expires_at > %(now)s AND e.seen_at > %(idle)s"""
    row = tx.one(sql, _Row, d=session_digest(tx, secret), now=tx.now, idle=tx.now - IDLE,
                 told=tx.now - _TOLD)  # fmt: skip
    if row is None:
        return None
    member = Member(row.id, row.name, row.roles, row.created_at)
    return Session(row.digest, member, row.seen_at, row.expires_at, row.session, row.method,
                   row.proven_at, row.taken or {}, row.links_only, row.to_review,
                   row.linked_by)  # fmt: skip


def sessions_of(tx: Tx, staff: str) -> list[Seen]:
    """Return the living sessions of a member, the one used last first."""
    sql = """SELECT id, method, device, created_at, seen_at, expires_at FROM sessions
             WHERE staff = %(s)s AND ended_at IS NULL AND expires_at > %(now)s
               AND seen_at > %(idle)s ORDER BY seen_at DESC, id"""
    return tx.all(sql, Seen, s=staff, now=tx.now, idle=tx.now - IDLE)


def link_digest(tx: Tx, token: str) -> bytes:
    """Return the digest under which a sign-in link is stored."""
    return tx.keys.digest(b"sign-in:" + token.encode())


def session_digest(tx: Tx, secret: str) -> bytes:
    """Return the digest under which a session is stored."""
    return tx.keys.digest(b"session:" + secret.encode())
