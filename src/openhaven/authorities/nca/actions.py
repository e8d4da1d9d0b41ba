"""Verbs of what is handed in by a person, or by letter: store the reference, send the letter."""

from datetime import timedelta

import msgspec

from openhaven import evidence, ledger
from openhaven.authorities import duties, store
from openhaven.authorities.model import Filing, pause
from openhaven.authorities.permitted import only_specialists
from openhaven.core import Problem, new_id
from openhaven.storage import Tx

# What the law asks to keep once the authority has it, by authority.
_HOLDS = {"nca": ("uk.nca.content", "uk.nca.reference")}
_LEASE = timedelta(minutes=5)


def hand_in(tx: Tx, filing: str, reference: str) -> Filing:
    """Store the reference that an authority gave for what was handed in; it ends the duty.

    Raises `Problem`: 403 without the role, 409 for what was not filed or has a reference, 400 for
    an empty one. Reports to NCMEC have theirs from its server.
    """
    only_specialists(tx)
    tx.run("SELECT 1 FROM filings WHERE id = %(id)s FOR UPDATE", id=filing)
    found, named = store.filing(tx, filing), " ".join(reference.split())
    if found.authority == "ncmec" or found.state != "filed":
        raise Problem("filing.reference", "No reference is entered for this.", status=409,
                      next_step="File it first; the CyberTipline gives its own.")  # fmt: skip
    if not 1 <= len(named) <= 200:
        raise Problem("filing.reference", "Enter the reference that the authority gave.",
                      next_step="Up to 200 characters, as it stands in its answer.")  # fmt: skip
    sql = """UPDATE filings SET state = 'finished', reference = %(ref)s, finished_at = %(now)s,
               next_at = NULL, lease = NULL, lease_until = NULL, trouble = NULL,
               failing_since = NULL WHERE id = %(id)s"""
    tx.run(sql, id=filing, ref=named, now=tx.now)
    receipt = new_id("frc")
    tx.run(
        """INSERT INTO filing_receipts (id, filing, authority, reference, test, sent, files,
             finished_at)
           SELECT %(id)s, f.id, f.authority, %(ref)s, f.test, sha256(f.body), 0, %(now)s
           FROM filings f WHERE f.id = %(f)s""",
        id=receipt, f=filing, ref=named, now=tx.now,
    )  # fmt: skip
    ids = {"filing": filing, "case": found.case_id, "receipt": receipt}
    ledger.append(tx, "filing.finished", ids, row=("filing_receipts", receipt))
    for ground in _HOLDS.get(found.authority, ()):
        evidence.hold(tx, found.case_id, ground, reference=named)
    duties.reported(tx, found.case_id, found.authority, named)
    tx.wake("console")
    return store.filing(tx, filing)


class Post(msgspec.Struct, frozen=True):
    """A letter to a hotline that one sender has for a while."""

    id: str
    authority: str
    lease: str
    tries: int


def claim_letter(tx: Tx) -> Post | None:
    """Take the next letter that is due; None when none is."""
    sql = """UPDATE filings SET lease = %(token)s, lease_until = %(until)s, tries = tries + 1
             WHERE id = (SELECT id FROM filings WHERE authority LIKE 'hotline-%%'
                 AND state = 'filed' AND next_at <= %(now)s
                 AND (lease_until IS NULL OR lease_until <= %(now)s)
               ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
             RETURNING id, authority, lease, tries"""
    return tx.one(sql, Post, token=new_id("lse"), now=tx.now, until=tx.now + _LEASE)


def posted(tx: Tx, letter: Post, error: str | None) -> None:
    """Store that a letter was sent, and its reference is awaited; or that it is tried again."""
    sql = """UPDATE filings SET lease = NULL, lease_until = NULL, trouble = %(why)s,
               next_at = %(next)s,
               failing_since = CASE WHEN %(why)s::text IS NULL THEN NULL
                 ELSE coalesce(failing_since, %(now)s) END
             WHERE id = %(id)s AND lease = %(lease)s"""
    tx.run(sql, id=letter.id, lease=letter.lease, why=error, now=tx.now,
           next=None if error is None else tx.now + pause(letter.tries))  # fmt: skip
    ledger.append(tx, f"filing.letter_{'failed' if error else 'sent'}", {"filing": letter.id})
    tx.wake("console")
