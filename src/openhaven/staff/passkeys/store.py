"""Reading passkeys."""

from openhaven.staff.passkeys.model import Kept, Passkey
from openhaven.storage import Tx


def passkeys_of(tx: Tx, staff: str) -> list[Passkey]:
    """Return the passkeys of a member, oldest first."""
    sql = """SELECT id, name, created_at, used_at, doubted_at FROM passkeys
             WHERE staff = %(s)s ORDER BY created_at, id"""
    return tx.all(sql, Passkey, s=staff)


def credentials_of(tx: Tx, staff: str) -> list[bytes]:
    """Return the ids of a member's passkeys as the keys themselves know them."""
    sql = "SELECT credential FROM passkeys WHERE staff = %(s)s AND doubted_at IS NULL"
    return [bytes(row["credential"]) for row in tx.rows(sql, s=staff)]


def kept(tx: Tx, credential: bytes) -> Kept | None:
    """Return the passkey of this id, locked, unless it is doubted or its owner left."""
    sql = """SELECT p.id, p.staff, p.public_key, p.uses
             FROM passkeys p JOIN staff s ON s.id = p.staff
             WHERE p.credential = %(c)s AND p.doubted_at IS NULL AND s.disabled_at IS NULL
             FOR UPDATE OF p"""
    return tx.one(sql, Kept, c=credential)
