"""Verbs of passkeys: add one, sign in with it, prove again who one is, remove it."""

from openhaven import ledger
from openhaven.core import Problem, new_id
from openhaven.staff.model import Member
from openhaven.staff.passkeys import checking
from openhaven.staff.passkeys.checking import Made, Signed
from openhaven.staff.passkeys.model import Kept, Site, check_name
from openhaven.staff.passkeys.store import kept
from openhaven.staff.store import named
from openhaven.storage import Tx

_MOST = 20


def add(tx: Tx, member: Member, site: Site, challenge: bytes, made: Made, name: str) -> str:
    """Keep a passkey that was just made for `challenge`; return its id.

    Raises `Problem`: 400 for one that does not fit, 409 when it is known or there are too many.
    """
    new = checking.check_made(site, challenge, made)
    if tx.value("SELECT count(*) FROM passkeys WHERE staff = %(s)s", s=member.id) >= _MOST:
        raise Problem("passkey.too_many", f"Nobody needs more than {_MOST} passkeys.", status=409,
                      next_step="Remove one that you do not use.")  # fmt: skip
    key = new_id("key")
    sql = """INSERT INTO passkeys (id, staff, name, credential, public_key, uses, created_at)
             VALUES (%(id)s, %(s)s, %(name)s, %(c)s, %(key)s, %(uses)s, %(now)s)
             ON CONFLICT (credential) DO NOTHING"""
    if not tx.run(sql, id=key, s=member.id, name=check_name(name), c=new.credential,
                  key=new.public_key, uses=new.uses, now=tx.now):  # fmt: skip
        raise Problem("passkey.known", "This passkey was added before.", status=409)
    ledger.append(tx, "staff.passkey_added", {"staff": member.id, "passkey": key})
    return key


def sign_in(tx: Tx, site: Site, challenge: bytes, signed: Signed) -> Member | None:
    """Return whose passkey signed this challenge; None when there may be a copy of the passkey.

    The caller commits in either case: a passkey in doubt must stay so. Raises `Problem` (400) for
    whatever does not fit, without saying what.
    """
    found = kept(tx, checking.credential_of(signed))
    if found is None or checking.holder_of(signed) not in ("", found.staff):
        raise checking.refused()
    uses = checking.check_signed(site, challenge, signed, found.public_key)
    return named(tx, found.staff) if _used(tx, found, uses) else None


def proves(tx: Tx, member: Member, site: Site, challenge: bytes, signed: Signed) -> bool:
    """Say whether a passkey of `member` signed this challenge; as for `sign_in`."""
    signer = sign_in(tx, site, challenge, signed)
    if signer is not None and signer.id != member.id:
        raise checking.refused()
    return signer is not None


def remove(tx: Tx, member: Member, key: str) -> None:
    """Forget a passkey of a member; raises `Problem` (404) when they have none of this id."""
    if not tx.run("DELETE FROM passkeys WHERE id = %(k)s AND staff = %(s)s", k=key, s=member.id):
        raise Problem("passkey.unknown", "You have no such passkey.", status=404)
    ledger.append(tx, "staff.passkey_removed", {"staff": member.id, "passkey": key})


def remove_all(tx: Tx, member: Member) -> None:
    """Forget every passkey of a member."""
    for row in tx.rows("SELECT id FROM passkeys WHERE staff = %(s)s ORDER BY id", s=member.id):
        remove(tx, member, str(row["id"]))


def _used(tx: Tx, found: Kept, uses: int) -> bool:
    """Note a use; say whether the count went on, as one and the same key's does (section 6.1.1)."""
    if uses <= found.uses and (uses or found.uses):
        tx.run(
            "UPDATE passkeys SET doubted_at = %(now)s WHERE id = %(id)s", now=tx.now, id=found.id
        )
        ledger.append(tx, "staff.passkey_doubted", {"staff": found.staff, "passkey": found.id})
        return False
    sql = "UPDATE passkeys SET uses = %(n)s, used_at = %(now)s WHERE id = %(id)s"
    tx.run(sql, n=uses, now=tx.now, id=found.id)
    return True
