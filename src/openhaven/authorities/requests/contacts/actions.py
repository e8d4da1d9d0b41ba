"""Verbs of the list of known authorities: put one forward, follow what was agreed, remove one."""

import msgspec

from openhaven import ledger
from openhaven.authorities.requests.contacts.store import KIND, About, Contact, contact
from openhaven.authorities.requests.keys import key_in
from openhaven.authorities.requests.permitted import only_handlers
from openhaven.authorities.requests.sender import domain_of
from openhaven.core import Problem, new_id
from openhaven.staff import approvals
from openhaven.storage import Tx


def add(tx: Tx, name: str, country: str, domain: str, about: About, key: str = "") -> str:
    """Put an authority forward for the list, and ask a second person; return its id.

    `domain` is that of its mail, `key` (empty: none) its public key as text (`key_in`). Raises
    `Problem`: 400 for what is no domain, no country or no key, 403 by role.
    """
    only_handlers(tx)
    plain = domain_of(f"x@{domain.strip().lower()}")
    if not plain or not 1 <= len(name.strip()) <= 200 or not _country(country):
        raise Problem("contact.wrong", "Name, country and domain are needed.",
                      next_step="A country has two letters; a domain looks like police.example.",
                      )  # fmt: skip
    if not about.phone.strip() or not about.found.strip():
        raise Problem("contact.phone", "A number is needed, and where it was found.",
                      next_step="Look it up in a register; never take it from a letter.",
                      )  # fmt: skip
    kind, raw = key_in(key) if key.strip() else (None, None)
    made = new_id("aco")
    tx.run(
        """INSERT INTO authority_contacts (id, name, country, domain, body, key_kind, key,
             added_by, added_at)
           VALUES (%(id)s, %(name)s, %(c)s, %(d)s, %(body)s, %(kind)s, %(key)s, %(by)s, %(now)s)""",
        id=made, name=name.strip(), c=country.upper(), d=plain, kind=kind, now=tx.now,
        key=tx.keys.seal(made, raw) if raw else None, by=tx.actor.id,
        body=tx.keys.seal(made, msgspec.json.encode(about)),
    )  # fmt: skip
    ledger.append(tx, "contact.put_forward", {"contact": made})
    approvals.ask(tx, KIND, made, f"{name.strip()} ({country.upper()}), {plain}. Number found in: "
                  f"{about.found.strip()[:500]}")  # fmt: skip
    follow(tx)
    return made


def _country(code: str) -> bool:
    return len(code) == 2 and code.isascii() and code.isalpha()


def follow(tx: Tx) -> int:
    """Take those into the list to which a second person agreed; return how many."""
    sql = """SELECT id FROM authority_contacts WHERE known_at IS NULL AND removed_at IS NULL
             ORDER BY id FOR UPDATE SKIP LOCKED"""
    done = 0
    for row in tx.rows(sql):
        said = approvals.state_of(tx, KIND, str(row["id"]))
        if said in ("approved", "alone"):
            tx.run("UPDATE authority_contacts SET known_at = %(now)s WHERE id = %(c)s",
                   now=tx.now, c=row["id"])  # fmt: skip
            ledger.append(tx, "contact.known", {"contact": str(row["id"])})
        elif said in ("refused", "lapsed"):
            _gone(tx, str(row["id"]))
        else:
            continue
        done += 1
    return done


def remove(tx: Tx, contact_id: str) -> Contact:
    """Take an authority from the list, which needs nobody else; raises `Problem` 403, 404."""
    only_handlers(tx)
    found = contact(tx, contact_id)
    _gone(tx, contact_id)
    return found


def _gone(tx: Tx, contact_id: str) -> None:
    sql = """UPDATE authority_contacts SET removed_at = %(now)s, removed_by = %(by)s, body = NULL
             WHERE id = %(c)s AND removed_at IS NULL"""
    if tx.run(sql, now=tx.now, by=str(tx.actor), c=contact_id):
        tx.keys.destroy(contact_id)
        ledger.append(tx, "contact.removed", {"contact": contact_id})
