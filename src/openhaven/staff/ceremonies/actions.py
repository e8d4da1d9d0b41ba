"""Verbs of steps: begin one, and end it once."""

import secrets
from datetime import timedelta

from openhaven.core import Problem
from openhaven.staff.ceremonies.model import Kind, derived
from openhaven.storage import Tx

LIFE = timedelta(minutes=10)


def begin(tx: Tx, kind: Kind, staff: str | None = None) -> str:
    """Begin a step, of a signed-in member or of nobody known yet; return its secret."""
    secret = secrets.token_urlsafe(32)
    # What nobody ended is forgotten on the way, so that no stranger fills the table.
    tx.run("DELETE FROM ceremonies WHERE expires_at < %(now)s", now=tx.now)
    sql = """INSERT INTO ceremonies (digest, kind, staff, expires_at)
             VALUES (%(d)s, %(kind)s, %(staff)s, %(end)s)"""
    tx.run(sql, d=derived(tx, secret, "name"), kind=kind, staff=staff, end=tx.now + LIFE)
    return secret


def use(tx: Tx, secret: str, kind: Kind, staff: str | None = None) -> None:
    """Use a step up; raises `Problem` (410) when it is none of this kind and person, or is over."""
    sql = """DELETE FROM ceremonies WHERE digest = %(d)s AND kind = %(kind)s
               AND staff IS NOT DISTINCT FROM %(staff)s AND expires_at > %(now)s RETURNING kind"""
    found = tx.value(sql, d=derived(tx, secret, "name"), kind=kind, staff=staff, now=tx.now)
    if found is None:
        raise Problem("step.over", "This took too long, or was sent twice.", status=410,
                      next_step="Go back and begin again.")  # fmt: skip
