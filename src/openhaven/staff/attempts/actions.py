"""Verbs of attempts: count one before it is checked, forgive after a good one, know a device."""

import secrets
from datetime import datetime, timedelta

from openhaven.staff.attempts.model import (
    KNOWN,
    KNOWN_FOR,
    PLACE,
    STRANGERS,
    WINDOW,
    Limit,
    too_often,
)
from openhaven.storage import Tx


def take(tx: Tx, name: str, place: str, device: str, door: str = "name") -> None:
    """Count an attempt for the name that was typed, from a place and perhaps a known device.

    `door` counts apart what nobody can try from elsewhere. An attempt must be committed before the
    password is looked at. Raises `Problem` (429) when there were too many; those that are refused
    are not counted, so that trying on makes nothing worse.
    """
    name_digest, known = _name(tx, name, door), _is_known(tx, name, device)
    where = _device(tx, device) if known else tx.keys.digest(f"place:{place}".encode())
    # Attempts at one name come one after the other here, so that many at once count as many.
    lock = int.from_bytes(name_digest[:8], "big", signed=True)
    tx.run("SELECT pg_advisory_xact_lock(%(lock)s)", lock=lock)
    tx.run("DELETE FROM sign_in_attempts WHERE at < %(old)s", old=tx.now - WINDOW)
    _check(tx, KNOWN if known else PLACE, _times(tx, name_digest, where))
    if not known:
        _check(tx, STRANGERS, _times(tx, name_digest))
    tx.run("""INSERT INTO sign_in_attempts (name, place, stranger, at)
              VALUES (%(n)s, %(p)s, %(stranger)s, %(now)s)""",
           n=name_digest, p=where, stranger=not known, now=tx.now)  # fmt: skip


def succeeded(tx: Tx, name: str, place: str, device: str, door: str = "name") -> None:
    """Forgive the attempts from here, since the right person made the last one."""
    for where in (_device(tx, device), tx.keys.digest(f"place:{place}".encode())):
        tx.run("DELETE FROM sign_in_attempts WHERE name = %(n)s AND place = %(p)s",
               n=_name(tx, name, door), p=where)  # fmt: skip


def know(tx: Tx, staff: str, device: str) -> str:
    """Know a browser in which somebody has signed in; return the token that it shows from now on.

    A token is somebody's alone: one that `device` holds for another person is replaced.
    """
    sql = "UPDATE known_devices SET seen_at = %(now)s WHERE digest = %(d)s AND staff = %(s)s"
    if device and tx.run(sql, d=_device(tx, device), s=staff, now=tx.now):
        return device
    token = secrets.token_urlsafe(32)
    tx.run("INSERT INTO known_devices (digest, staff, seen_at) VALUES (%(d)s, %(s)s, %(now)s)",
           d=_device(tx, token), s=staff, now=tx.now)  # fmt: skip
    return token


def forget(tx: Tx) -> int:
    """Forget attempts and devices of long ago; return how many."""
    gone = tx.run("DELETE FROM sign_in_attempts WHERE at < %(old)s", old=tx.now - WINDOW)
    old = tx.now - KNOWN_FOR
    return gone + tx.run("DELETE FROM known_devices WHERE seen_at < %(old)s", old=old)


def _check(tx: Tx, limit: Limit, times: list[datetime]) -> None:
    recent = [at for at in times if at > tx.now - limit.span]
    if len(recent) >= limit.most:
        until: timedelta = sorted(recent)[-limit.most] + limit.span - tx.now
        raise too_often(int(until.total_seconds()) + 1)


def _times(tx: Tx, name: bytes, place: bytes | None = None) -> list[datetime]:
    """Return when there were attempts for a name: from one place, or by all strangers."""
    sql = """SELECT at FROM sign_in_attempts WHERE name = %(n)s AND at <= %(now)s
               AND CASE WHEN %(p)s::bytea IS NULL THEN stranger ELSE place = %(p)s END"""
    return [row["at"] for row in tx.rows(sql, n=name, p=place, now=tx.now)]


def _is_known(tx: Tx, name: str, device: str) -> bool:
    sql = """SELECT 1 FROM known_devices d JOIN staff s ON s.id = d.staff
             WHERE d.digest = %(d)s AND s.name = %(n)s AND d.seen_at > %(old)s"""
    given = {"d": _device(tx, device), "n": name.strip(), "old": tx.now - KNOWN_FOR}
    return bool(device) and tx.value(sql, **given) is not None


def _name(tx: Tx, name: str, door: str) -> bytes:
    return tx.keys.digest(f"sign-in {door}:{name.strip()}".encode())


def _device(tx: Tx, device: str) -> bytes:
    return tx.keys.digest(b"device:" + device.encode())
