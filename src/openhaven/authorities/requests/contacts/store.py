"""Reading the authorities that are known here."""

from datetime import datetime

import msgspec

from openhaven.authorities.requests.model import fingerprint
from openhaven.core import Problem
from openhaven.staff import approvals
from openhaven.storage import Tx

KIND = "authority-contact"


class About(msgspec.Struct, frozen=True):
    """What is sealed of a contact: the number, where it was found, and a note."""

    phone: str = ""
    found: str = ""
    note: str = ""


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """An authority in the list. It is `known` once a second person has agreed."""

    id: str
    name: str
    country: str
    domain: str
    key_kind: str | None
    key: bytes | None
    added_by: str
    added_at: datetime
    known_at: datetime | None
    about: About = About()
    alone: bool = False

    @property
    def key_words(self) -> str:
        """The fingerprint of its key."""
        return fingerprint(self.key) if self.key else ""


_ONE = """SELECT id, name, country, domain, key_kind, key, added_by, added_at, known_at, body
          FROM authority_contacts """


def contacts(tx: Tx) -> list[Contact]:
    """Return the authorities in the list, by country and name."""
    rows = tx.rows(_ONE + "WHERE removed_at IS NULL ORDER BY country, name, id")
    return [_opened(tx, row) for row in rows]


def contact(tx: Tx, contact_id: str) -> Contact:
    """Return one that is in the list; raises `Problem` 404."""
    rows = tx.rows(_ONE + "WHERE id = %(c)s AND removed_at IS NULL", c=contact_id)
    if not rows:
        raise Problem("contact.unknown", "This authority is not in the list.", status=404,
                      next_step="Look at the list again.")  # fmt: skip
    return _opened(tx, rows[0])


def _opened(tx: Tx, row: dict[str, object]) -> Contact:
    sealed = row.pop("body")
    plain = tx.keys.open(str(row["id"]), bytes(sealed)) if isinstance(sealed, bytes) else None
    about = About() if plain is None else msgspec.json.decode(plain, type=About)
    key = row.pop("key")
    key = tx.keys.open(str(row["id"]), bytes(key)) if isinstance(key, bytes) else None
    alone = row["known_at"] is not None and not approvals.independent(tx, KIND, str(row["id"]))
    return Contact(**row, key=key, about=about, alone=alone)  # type: ignore[arg-type]


def domains(tx: Tx) -> frozenset[str]:
    """Return the domains of the authorities that two people know."""
    sql = """SELECT domain FROM authority_contacts
             WHERE known_at IS NOT NULL AND removed_at IS NULL"""
    return frozenset(str(row["domain"]) for row in tx.rows(sql))
