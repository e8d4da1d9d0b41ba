"""Verbs of passwords: keep one with its second factor, sign in, print new codes, remove."""

import re
import secrets

from openhaven import ledger
from openhaven.core import Problem
from openhaven.staff.model import Member
from openhaven.staff.passwords import hashing, totp
from openhaven.staff.passwords.model import Kept, check_password, normal
from openhaven.staff.passwords.store import kept
from openhaven.staff.store import named
from openhaven.storage import Tx

CODES = 10
_CODE_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"
_CODE_LENGTH = 16


def keep(
    tx: Tx, member: Member, password: str, factor: bytes, code: str, service: str = ""
) -> list[str]:
    """Keep a password and a second factor that was shown to work; return the printed codes.

    `factor` is the secret of the app (20 bytes) and `code` what the app shows. Raises `Problem`
    (400) for a weak password or a wrong code.
    """
    check_password(password, member.name, service)
    step = totp.step_of(factor, _tidy(code), tx.now, 0)
    if step is None:
        raise Problem("code.wrong", "The code is not the one that the app shows now.", status=400,
                      next_step="Check that the clock of your telephone is right, and send the "
                      "next code.")  # fmt: skip
    sealed = tx.keys.seal(_subject(member.id), factor)
    sql = """INSERT INTO passwords (staff, hash, factor, step, changed_at)
             VALUES (%(s)s, %(h)s, %(f)s, %(step)s, %(now)s)
             ON CONFLICT (staff) DO UPDATE SET hash = excluded.hash, factor = excluded.factor,
               step = excluded.step, changed_at = excluded.changed_at"""
    tx.run(sql, s=member.id, h=hashing.hashed(_digest(tx, member.id, password)), f=sealed,
           step=step, now=tx.now)  # fmt: skip
    ledger.append(tx, "staff.password_set", {"staff": member.id})
    return new_codes(tx, member)


def new_codes(tx: Tx, member: Member) -> list[str]:
    """End the printed codes of a member, and return new ones; they are shown this once."""
    tx.run("DELETE FROM recovery_codes WHERE staff = %(s)s", s=member.id)
    codes = [_new_code() for _ in range(CODES)]
    sql = """INSERT INTO recovery_codes (digest, staff, created_at)
             VALUES (%(d)s, %(s)s, %(now)s)"""
    for code in codes:
        tx.run(sql, d=_code_digest(tx, member.id, code), s=member.id, now=tx.now)
    ledger.append(tx, "staff.codes_made", {"staff": member.id})
    return codes


def sign_in(tx: Tx, name: str, password: str, code: str) -> Member | None:
    """Return whose name, password and code these are, or None; it takes as long for anybody.

    The code (of the app, or a printed one) is used up. Which of the three is wrong nobody learns.
    """
    found = kept(tx, name)
    digest = _digest(tx, found.id if found else "", password)
    fits = hashing.fits(found.hash if found else None, digest)
    if found is None or not fits or not _use(tx, found, _tidy(code)):
        return None
    return named(tx, found.id)


def confirmed(tx: Tx, member: Member, password: str, code: str) -> bool:
    """Say whether a signed-in member has just shown their password and a code."""
    signer = sign_in(tx, member.name, password, code)
    return signer is not None and signer.id == member.id


def remove(tx: Tx, member: Member) -> None:
    """Forget a member's password, second factor and printed codes; nothing when they have none."""
    if tx.run("DELETE FROM passwords WHERE staff = %(s)s", s=member.id):
        tx.run("DELETE FROM recovery_codes WHERE staff = %(s)s", s=member.id)
        ledger.append(tx, "staff.password_removed", {"staff": member.id})


def _use(tx: Tx, found: Kept, code: str) -> bool:
    """Use a code up, of the app or a printed one; of two who send the same one, one is let in."""
    factor = tx.keys.open(_subject(found.id), found.factor)
    step = None if factor is None else totp.step_of(factor, code, tx.now, found.step)
    if step is not None:
        sql = "UPDATE passwords SET step = %(n)s WHERE staff = %(s)s AND step < %(n)s"
        return tx.run(sql, n=step, s=found.id) > 0
    sql = """UPDATE recovery_codes SET used_at = %(now)s
             WHERE digest = %(d)s AND staff = %(s)s AND used_at IS NULL"""
    used = tx.run(sql, d=_code_digest(tx, found.id, code), s=found.id, now=tx.now) > 0
    if used:
        ledger.append(tx, "staff.code_used", {"staff": found.id})
    return used


def _new_code() -> str:
    letters = "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
    return "-".join(letters[place : place + 4] for place in range(0, _CODE_LENGTH, 4))


def _tidy(code: str) -> str:
    return re.sub(r"[\s-]", "", code).casefold()[:64]


def _code_digest(tx: Tx, staff: str, code: str) -> bytes:
    return tx.keys.digest(f"recovery:{staff}:{_tidy(code)}".encode())


def _digest(tx: Tx, staff: str, password: str) -> bytes:
    """Return what is hashed: without the house's key nobody can try passwords on a stolen table."""
    return tx.keys.digest(f"password:{staff}:".encode() + normal(password))


def _subject(staff: str) -> str:
    return f"staff:{staff}"
