"""Reading passwords."""

from openhaven.staff.passwords.model import Kept, Standing
from openhaven.storage import Tx


def standing(tx: Tx, staff: str) -> Standing | None:
    """Return what is known of a member's password, or None when they have none."""
    sql = """SELECT p.changed_at, (SELECT count(*) FROM recovery_codes c
                                   WHERE c.staff = p.staff AND c.used_at IS NULL) AS codes
             FROM passwords p WHERE p.staff = %(s)s"""
    return tx.one(sql, Standing, s=staff)


def kept(tx: Tx, name: str) -> Kept | None:
    """Return the password of the one who has this name, if they work here and have one."""
    sql = """SELECT s.id, p.hash, p.factor, p.step FROM passwords p JOIN staff s ON s.id = p.staff
             WHERE s.name = %(n)s AND s.disabled_at IS NULL"""
    return tx.one(sql, Kept, n=name.strip())
