"""Verbs of officers: add one, remove one, open an item with an officer's own key."""

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from openhaven import ledger
from openhaven.core import Problem, new_id, permits
from openhaven.core.permissions import GRANTS
from openhaven.evidence import sealing, store
from openhaven.evidence.actions import OFFICERS, put_key, touch, unsealed
from openhaven.evidence.model import VAULT
from openhaven.evidence.opening import may_open
from openhaven.evidence.vault import Vault
from openhaven.storage import Tx


def add(vault: Vault, tx: Tx, staff: str, public: bytes) -> int:
    """Make a member of staff an officer; return for how many items keys were wrapped for them.

    `public` is their X25519 public key (32 bytes). Raises `Problem`: 403 without the permission to
    manage staff, 409 for who is one already or whose role does not open evidence.
    """
    _require_manager(tx)
    _alone(tx)
    roles = tx.value("SELECT roles FROM staff WHERE id = %(s)s AND disabled_at IS NULL", s=staff)
    if not permits(roles or (), "evidence.open"):
        raise Problem("officer.role", "Only a specialist can be an officer.", status=409,
                      next_step="Give them the role first: openhaven staff roles")  # fmt: skip
    if any(one.staff == staff or one.public == public for one in store.officers(tx)):
        raise Problem("officer.known", "This person or this key is an officer's already.",
                      status=409, next_step="Remove them first.")  # fmt: skip
    officer = new_id("ofc")
    sql = """INSERT INTO evidence_officers (id, staff, public, added_at)
             VALUES (%(id)s, %(s)s, %(p)s, %(now)s)"""
    tx.run(sql, id=officer, s=staff, p=public, now=tx.now)
    sql = "SELECT item, wrapped FROM evidence_keys WHERE officer = %(v)s ORDER BY item"
    rows = tx.rows(sql, v=VAULT)
    for row in rows:
        key = sealing.unwrap(bytes(row["wrapped"]), vault.key, row["item"])
        put_key(tx, row["item"], officer, sealing.wrap(key, public, row["item"]))
    ledger.append(tx, "evidence.officer_added", {"officer": officer, "staff": staff})
    return len(rows)


def remove(vault: Vault, tx: Tx, staff: str) -> int:
    """Take an officer's wrapped keys away, and wrap all keys anew for who is left.

    Returns how many keys of theirs were destroyed. Raises `Problem` 403, 404.
    """
    _require_manager(tx)
    _alone(tx)
    gone = _end(tx, "o.staff = %(s)s", s=staff)
    if gone is None:
        raise Problem("officer.unknown", "This person is no officer.", status=404)
    rewrap(vault, tx)
    return gone


def end_of_left(vault: Vault, tx: Tx) -> int | None:
    """End the officers whose account was disabled or who lost the role; wrap anew for who is left.

    Returns how many wrapped keys of theirs were destroyed, None where there was nobody.
    """
    roles = [role for role, may in GRANTS.items() if "evidence.open" in may]
    sql = """NOT EXISTS (SELECT 1 FROM staff s WHERE s.id = o.staff AND s.disabled_at IS NULL
                         AND s.roles && %(roles)s)"""
    left = f"SELECT 1 FROM evidence_officers o WHERE o.removed_at IS NULL AND {sql}"  # noqa: S608
    if not tx.value(left, roles=roles):
        return None
    _alone(tx)
    gone = _end(tx, sql, roles=roles)
    rewrap(vault, tx)
    return gone


def _end(tx: Tx, which: str, **params: object) -> int | None:
    """End officers and destroy the keys that were wrapped for them; None where there was none."""
    sql = f"""UPDATE evidence_officers o SET removed_at = %(now)s
              WHERE o.removed_at IS NULL AND {which} RETURNING o.id, o.staff"""  # noqa: S608
    rows = tx.rows(sql, now=tx.now, **params)
    gone = tx.run("DELETE FROM evidence_keys WHERE officer = ANY(%(o)s)",
                  o=[str(row["id"]) for row in rows])  # fmt: skip
    for row in rows:
        ids = {"officer": str(row["id"]), "staff": str(row["staff"])}
        ledger.append(tx, "evidence.officer_removed", ids)
    return gone if rows else None


def rewrap(vault: Vault, tx: Tx) -> int:
    """Wrap the key of every item anew for this installation and who is an officer now.

    Every earlier wrapping is destroyed, so that none is left of anybody else, whatever happened
    before. Returns of how many items.
    """
    publics = {VAULT: vault.public} | {one.id: one.public for one in store.officers(tx)}
    rows = tx.rows("SELECT item, wrapped FROM evidence_keys WHERE officer = %(v)s ORDER BY item",
                   v=VAULT)  # fmt: skip
    for row in rows:
        item = str(row["item"])
        key = sealing.unwrap(bytes(row["wrapped"]), vault.key, item)
        tx.run("DELETE FROM evidence_keys WHERE item = %(i)s", i=item)
        for officer, public in publics.items():
            put_key(tx, item, officer, sealing.wrap(key, public, item))
    ledger.append(tx, "evidence.rewrapped", {"items": str(len(rows))})
    return len(rows)


def recover(vault: Vault, tx: Tx, item: str, private: X25519PrivateKey) -> Iterator[bytes]:
    """Open an item with an officer's own key; otherwise as `evidence.read`.

    Raises `Problem` 403 when the key was not wrapped for this officer.
    """
    found = store.item(tx, item)
    may_open(tx, found)
    sql = """SELECT k.wrapped FROM evidence_keys k JOIN evidence_officers o ON o.id = k.officer
             WHERE k.item = %(i)s AND o.staff = %(me)s"""
    wrapped = tx.value(sql, i=found.id, me=tx.actor.id)
    try:
        key = sealing.unwrap(bytes(wrapped or b""), private, found.id)
    except sealing.SealError as error:
        raise Problem("officer.key", "This key does not open this item.", status=403,
                      next_step="Is it the one that was named for you?") from error  # fmt: skip
    return unsealed(vault, found, key, touch(tx, found.id, "opened", "recovery"))


def _alone(tx: Tx) -> None:
    """Wait until nothing is being received, and let nothing be until this is stored."""
    tx.run("SELECT pg_advisory_xact_lock(hashtextextended(%(n)s, 0))", n=OFFICERS)


def _require_manager(tx: Tx) -> None:
    sql = "SELECT roles FROM staff WHERE id = %(s)s AND disabled_at IS NULL"
    roles = tx.value(sql, s=tx.actor.id) if tx.actor.kind == "staff" else None
    if not permits(roles or (), "staff.manage"):
        raise Problem("permission", "Your role does not name officers.", status=403,
                      next_step="Ask an administrator.")  # fmt: skip
