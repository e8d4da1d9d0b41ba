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
    Method,
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


def end_sessions(tx: Tx, member: Member, but: str = "") -> int:
    """Sign a member out everywhere, but for one session's id; return how many sessions ended."""
    sql = """UPDATE sessions SET ended_at = %(now)s
             WHERE staff = %(id)s AND id <> %(but)s AND ended_at IS NULL"""
    return tx.run(sql, id=member.id, but=but, now=tx.now)


def sign_out_everywhere(tx: Tx, member: Member) -> int:
    """End all that a member could go on with, sessions and unused links; return how many ended.

    The browsers in which they signed in before are forgotten as well.
    """
    ended = end_sessions(tx, member)
    _end_links(tx, member.id)
    tx.run("DELETE FROM known_devices WHERE staff = %(s)s", s=member.id)
    ledger.append(tx, "staff.signed_out_everywhere", {"staff": member.id})
    return ended


def sign_in_link(tx: Tx, member: Member, life: timedelta = LINK_LIFE) -> str:
    """Make a link for `member` that works once within `life`, and return its path and secret.

    Earlier links of the member stop working, and the console tells the member for a week who made
    this one. Raises `Problem` (409) for somebody who left.
    """
    if member.disabled_at is not None:
        raise Problem("staff.disabled", f"{member.name} does not work here any more.", status=409)
    _end_links(tx, member.id)
    token = secrets.token_urlsafe(32)
    sql = """INSERT INTO sign_in_links (digest, staff, created_at, expires_at, made_by)
             VALUES (%(digest)s, %(staff)s, %(now)s, %(expires)s, %(by)s)"""
    tx.run(sql, digest=link_digest(tx, token), staff=member.id, now=tx.now, expires=tx.now + life,
           by=tx.actor.id if tx.actor.kind == "staff" else None)  # fmt: skip
    ledger.append(tx, "staff.link", {"staff": member.id})
    return f"/sign-in/{token}"


def sign_in(tx: Tx, token: str, former: str = "", device: str = "") -> tuple[Member, str]:
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
    return member, begin_session(tx, member, "link", former, device)


def begin_session(
    tx: Tx, member: Member, method: Method, former: str = "", device: str = ""
) -> str:
    """Begin a session of somebody who has proved who they are; return the secret for the cookie.

    `former` is the session that the browser held before; it ends. `device` is how its owner knows
    the browser again.
    """
    if former:
        _end(tx, session_digest(tx, former))
    secret = secrets.token_urlsafe(32)
    sql = """INSERT INTO sessions (digest, id, staff, method, device, created_at, seen_at,
               proven_at, expires_at)
             VALUES (%(digest)s, %(id)s, %(staff)s, %(method)s, %(device)s, %(now)s, %(now)s,
               %(now)s, %(expires)s)"""
    tx.run(sql, digest=session_digest(tx, secret), id=new_id("ses"), staff=member.id,
           method=method, device=device[:80], now=tx.now, expires=tx.now + ABSOLUTE)  # fmt: skip
    ids = {"staff": member.id} | ({} if method == "link" else {"method": method})
    ledger.append(tx, "staff.signed_in", ids)
    return secret


def renew_session(tx: Tx, found: Session, *, proven: bool = False) -> str:
    """Give a living session another secret, and return it; the old cookie is worth nothing then.

    With `proven` its owner has just proved who they are. Raises `Problem` (401) when it has ended.
    """
    secret = secrets.token_urlsafe(32)
    sql = """UPDATE sessions SET digest = %(new)s,
               proven_at = CASE WHEN %(proven)s THEN %(now)s ELSE proven_at END
             WHERE digest = %(old)s AND ended_at IS NULL"""
    if not tx.run(sql, new=session_digest(tx, secret), old=found.digest, proven=proven, now=tx.now):
        raise Problem("staff.unknown", "You are not signed in.", status=401)
    return secret


def session(tx: Tx, secret: str) -> Session | None:
    """Return the living session of a cookie, and note that it was used."""
    found = living_session(tx, secret)
    if found is not None and found.seen_at < tx.now - TOUCH_EVERY:
        sql = "UPDATE sessions SET seen_at = %(now)s WHERE digest = %(d)s AND seen_at < %(now)s"
        tx.run(sql, d=found.digest, now=tx.now)
    return found


def end_session(tx: Tx, member: Member, session_id: str) -> bool:
    """End one session of a member by its id; say whether it lived."""
    sql = """UPDATE sessions SET ended_at = %(now)s
             WHERE id = %(id)s AND staff = %(s)s AND ended_at IS NULL"""
    ended = tx.run(sql, id=session_id, s=member.id, now=tx.now) > 0
    if ended:
        ledger.append(tx, "staff.session_ended", {"staff": member.id})
    return ended


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
