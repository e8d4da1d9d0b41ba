"""Verbs of another service's word: sign in by it, connect it to oneself, disconnect it."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from openhaven import ledger
from openhaven.core import Problem
from openhaven.staff import passkeys, passwords
from openhaven.staff.actions import create, set_roles, sign_out_everywhere
from openhaven.staff.model import Member
from openhaven.staff.oidc.model import Who, roles_of
from openhaven.staff.oidc.store import subject_digest
from openhaven.staff.store import named
from openhaven.storage import Tx


class _Known(msgspec.Struct, frozen=True):
    staff: str
    led: bool


def sign_in(tx: Tx, who: Who, mapped: Mapping[str, tuple[str, ...]]) -> Member | None:
    """Return the member of whom the service speaks, with the roles that their groups stand for.

    Somebody new is added when a group stands for a role. None when nothing here is for them any
    more: the caller commits, since their sessions have ended with that. Raises `Problem` (409) when
    their name is taken: a name is no proof, so nobody is joined to a member by it.
    """
    known, wanted = _known(tx, who), roles_of(who.groups, mapped)
    if known is None:
        return _welcome(tx, who, wanted) if wanted else None
    member = named(tx, known.staff)
    if member.disabled_at is not None:
        return None
    tx.run("UPDATE identities SET used_at = %(now)s WHERE staff = %(s)s", now=tx.now, s=member.id)
    return _led(tx, member, wanted) if known.led else member


def holder(tx: Tx, who: Who) -> str | None:
    """Return the id of the member of whom the service speaks, if there is one."""
    found = _known(tx, who)
    return found.staff if found else None


def connect(tx: Tx, member: Member, who: Who) -> None:
    """Let the service speak for a signed-in member; their roles stay what they are.

    Raises `Problem` (409) when it speaks for somebody else, or for them under another name.
    """
    sql = """INSERT INTO identities (subject, staff, led, created_at, used_at)
             VALUES (%(d)s, %(s)s, false, %(now)s, %(now)s) ON CONFLICT DO NOTHING"""
    if not tx.run(sql, d=subject_digest(tx, who), s=member.id, now=tx.now):
        raise Problem("oidc.taken", "This account of the service is connected already.", status=409)
    ledger.append(tx, "staff.identity_connected", {"staff": member.id})


def disconnect(tx: Tx, member: Member) -> None:
    """Let the service speak for a member no more; nothing when it does not."""
    if tx.run("DELETE FROM identities WHERE staff = %(s)s", s=member.id):
        ledger.append(tx, "staff.identity_disconnected", {"staff": member.id})


def end(tx: Tx, issuer: str, subject: str, at: datetime) -> int:
    """End the sessions that the service's word began before `at`; return how many.

    Of whom the service only connects, sessions that they proved in another way stay: it has no say
    in them.
    """
    known = _known(tx, Who(issuer, subject, "", frozenset()))
    if known is None:
        return 0
    sql = """UPDATE sessions SET ended_at = %(now)s WHERE staff = %(s)s
             AND (method = 'oidc' OR %(led)s) AND ended_at IS NULL AND created_at <= %(at)s"""
    ended = tx.run(sql, s=known.staff, led=known.led, now=tx.now, at=at)
    if ended:
        ledger.append(tx, "staff.signed_out_by_service", {"staff": known.staff})
    return ended


def _welcome(tx: Tx, who: Who, roles: tuple[str, ...]) -> Member:
    try:
        member = create(tx, who.name, roles)
    except Problem as problem:
        raise Problem(problem.code, problem.title, problem.detail, status=problem.status,
                      next_step="If that is you, sign in in another way and connect the service on "
                      "your own page. Else ask an administrator.") from problem  # fmt: skip
    tx.run("""INSERT INTO identities (subject, staff, led, created_at, used_at)
              VALUES (%(d)s, %(s)s, true, %(now)s, %(now)s)""",
           d=subject_digest(tx, who), s=member.id, now=tx.now)  # fmt: skip
    ledger.append(tx, "staff.identity_connected", {"staff": member.id})
    return member


def _led(tx: Tx, member: Member, wanted: tuple[str, ...]) -> Member | None:
    """Give a member whom the service leads what their groups stand for now.

    Who was made an administrator here stays one: no group gives that role, and none takes it.
    """
    kept = tuple(role for role in member.roles if role == "administrator")
    roles = tuple(sorted({*wanted, *kept}))
    if not roles:
        _shut(tx, member)
        return None
    if roles != member.roles:
        set_roles(tx, member, roles)
    return named(tx, member.id)


def _shut(tx: Tx, member: Member) -> None:
    """Leave whom the service has let go no other way in; with a group they come back by it."""
    sign_out_everywhere(tx, member)
    passkeys.remove_all(tx, member)
    passwords.remove(tx, member)


def _known(tx: Tx, who: Who) -> _Known | None:
    sql = "SELECT staff, led FROM identities WHERE subject = %(d)s"
    return tx.one(sql, _Known, d=subject_digest(tx, who))
