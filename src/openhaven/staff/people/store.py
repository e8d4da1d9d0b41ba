"""Reading who works here and how they sign in."""

from datetime import datetime

import msgspec

from openhaven.storage import Tx


class Person(msgspec.Struct, frozen=True):
    """A member of staff as those who manage staff see them; never a secret of theirs."""

    id: str
    name: str
    roles: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None
    keys: int
    password: bool
    service: bool
    sessions: int
    seen_at: datetime | None


def everybody(tx: Tx) -> list[Person]:
    """Return everybody who works or worked here: first who does, by name."""
    sql = """SELECT s.id, s.name, s.roles, s.created_at, s.disabled_at,
               (SELECT count(*) FROM passkeys p WHERE p.staff = s.id AND p.doubted_at IS NULL)
                 AS keys,
               EXISTS (SELECT 1 FROM passwords p WHERE p.staff = s.id) AS password,
               EXISTS (SELECT 1 FROM identities i WHERE i.staff = s.id) AS service,
               (SELECT count(*) FROM sessions e WHERE e.staff = s.id AND e.ended_at IS NULL
                AND e.expires_at > %(now)s) AS sessions,
               (SELECT max(e.seen_at) FROM sessions e WHERE e.staff = s.id) AS seen_at
             FROM staff s ORDER BY s.disabled_at IS NOT NULL, s.name"""
    return tx.all(sql, Person, now=tx.now)
