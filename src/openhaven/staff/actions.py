"""Verbs of staff: add, change, let go; make a link, sign in with it, stay, sign out."""

import secrets
from datetime import timedelta

from openhaven import ledger
from openhaven.core import Problem, new_id
from openhaven.staff.model import (
    ABSOLUTE,
    LINK_LIFE,
    TOUCH_EVERY,
    Member,
    Session,
    check_name,
    check_roles,
)
from openhaven.staff.store import link_digest, living_session, session_digest
from openhaven.storage import Tx


def create(tx: Tx, name: str, roles: tuple[str, ...]) -> Member:
    """Add a member of staff; raises `Problem` for a taken name (409) or an unknown role."""
    member = Member(new_id("stf"), check_name(name), check_roles(roles), tx.now)
    sql = """INSERT INTO staff (id, name, roles, created_at)
             VALUES (%(id)s, %(name)s, %(roles)s, %(now)s) ON CONFLICT (name) DO NOTHING"""
    made = tx.run(sql, id=member.id, name=member.name, roles=list(member.roles), now=tx.now)
    if not made:
        raise Problem("staff.exists", f"Somebody named “{member.name}” works here already.",
                      status=409, next_step="Choose another name.")  # fmt: skip
    ledger.append(tx, "staff.created", {"staff": member.id, **_named(member.roles)})
    return member


def set_roles(tx: Tx, member: Member, roles: tuple[str, ...]) -> None:
    """Give a member other roles. Their sessions end, so that no page keeps what it may no more."""
    wanted = check_roles(roles)
    tx.run("UPDATE staff SET roles = %(r)s WHERE id = %(id)s", r=list(wanted), id=member.id)
    end_sessions(tx, member)
    ledger.append(tx, "staff.roles", {"staff": member.id, **_named(wanted)})


def disable(tx: Tx, member: Member) -> None:
    """Let a member go: their sessions end, their links stop, their claims return by lease."""
    sql = "UPDATE staff SET disabled_at = %(now)s WHERE id = %(id)s AND disabled_at IS NULL"
    if not tx.run(sql, id=member.id, now=tx.now):
        return
    end_sessions(tx, member)
    _end_links(tx, member.id)
    ledger.append(tx, "staff.disabled", {"staff": member.id})


def end_sessions(tx: Tx, member: Member) -> int:
    """Sign a member out everywhere and return how many sessions that were."""
    sql = "UPDATE sessions SET ended_at = %(now)s WHERE staff = %(id)s AND ended_at IS NULL"
    return tx.run(sql, id=member.id, now=tx.now)


def sign_in_link(tx: Tx, member: Member, life: timedelta = LINK_LIFE) -> str:
    """Make a link for `member` that works once within `life`, and return its path and secret.

    Earlier links of the member stop working. Raises `Problem` (409) for somebody who left.
    """
    if member.disabled_at is not None:
        raise Problem("staff.disabled", f"{member.name} does not work here any more.", status=409)
    _end_links(tx, member.id)
    token = secrets.token_urlsafe(32)
    sql = """INSERT INTO sign_in_links (digest, staff, created_at, expires_at)
             VALUES (%(digest)s, %(staff)s, %(now)s, %(expires)s)"""
    tx.run(sql, digest=link_digest(tx, token), staff=member.id, now=tx.now, expires=tx.now + life)
    ledger.append(tx, "staff.link", {"staff": member.id})
    return f"/sign-in/{token}"


def sign_in(tx: Tx, token: str, former: str = "") -> tuple[Member, str]:
    """Use a link up and begin a session; return whose it is and the secret for the cookie.

    `former` is the session that the browser held before; it ends. Raises `Problem` (410) when the
    link was used, has expired, or never was: which of them is nobody's business.
    """
    sql = """UPDATE sign_in_links l SET used_at = %(now)s FROM staff s
             WHERE l.digest = %(digest)s AND l.used_at IS NULL AND l.expires_at > %(now)s
               AND s.id = l.staff AND s.disabled_at IS NULL
             RETURNING s.id, s.name, s.roles, s.created_at"""
    member = tx.one(sql, Member, digest=link_digest(tx, token), now=tx.now)
    if member is None:
        raise dead_link()
    if former:
        _end(tx, session_digest(tx, former))
    secret = secrets.token_urlsafe(32)
    sql = """INSERT INTO sessions (digest, staff, created_at, seen_at, expires_at)
             VALUES (%(digest)s, %(staff)s, %(now)s, %(now)s, %(expires)s)"""
    tx.run(sql, digest=session_digest(tx, secret), staff=member.id, now=tx.now,
           expires=tx.now + ABSOLUTE)  # fmt: skip
    ledger.append(tx, "staff.signed_in", {"staff": member.id})
    return member, secret


def session(tx: Tx, secret: str) -> Session | None:
    """Return the living session of a cookie, and note that it was used."""
    found = living_session(tx, secret)
    if found is not None and found.seen_at < tx.now - TOUCH_EVERY:
        sql = "UPDATE sessions SET seen_at = %(now)s WHERE digest = %(d)s AND seen_at < %(now)s"
        tx.run(sql, d=found.digest, now=tx.now)
    return found


def sign_out(tx: Tx, secret: str) -> None:
    """End the session of a cookie; nothing happens when it has ended already."""
    staff = _end(tx, session_digest(tx, secret))
    if staff:
        ledger.append(tx, "staff.signed_out", {"staff": staff})


def dead_link() -> Problem:
    """Return the one answer to every link that does not work."""
    return Problem(
        "link.dead", "This sign-in link does not work any more.", status=410,
        next_step="Links work once and for a short time. Ask for a new one.",
    )  # fmt: skip


def _end(tx: Tx, digest: bytes) -> str | None:
    sql = """UPDATE sessions SET ended_at = %(now)s WHERE digest = %(d)s AND ended_at IS NULL
             RETURNING staff"""
    found = tx.value(sql, d=digest, now=tx.now)
    return None if found is None else str(found)


def _end_links(tx: Tx, staff: str) -> None:
    sql = """UPDATE sign_in_links SET expires_at = %(now)s
             WHERE staff = %(s)s AND used_at IS NULL AND expires_at > %(now)s"""
    tx.run(sql, s=staff, now=tx.now)


def _named(roles: tuple[str, ...]) -> dict[str, str]:
    return {f"role_{place}": role for place, role in enumerate(roles, 1)}
