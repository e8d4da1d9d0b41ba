"""Reading agreements and lists, and the keys that sign ours."""

from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openhaven.core import Problem
from openhaven.exchange.returning.lists.checking import Known
from openhaven.exchange.returning.lists.model import Agreement, Row
from openhaven.exchange.returning.store import agreed_for
from openhaven.storage import Tx


def signing_key(tx: Tx) -> Ed25519PrivateKey:
    """Return the key that signs our lists; it comes from the machine's master key."""
    return Ed25519PrivateKey.from_private_bytes(tx.keys.digest(b"openhaven returning lists"))


def public_key(tx: Tx) -> bytes:
    """Return the public half (32 bytes), which the other operator needs."""
    return signing_key(tx).public_key().public_bytes_raw()


_AGREEMENT = """SELECT a.id, a.name, a.classes, a.made_at, a.until, a.ended_at,
                  (SELECT count(*) FROM returning_entries e JOIN returning_lists l ON l.id = e.list
                   WHERE l.agreement = a.id) AS entries
                FROM returning_agreements a """


def agreements(tx: Tx) -> list[Agreement]:
    """Return all agreements, those in force first."""
    return tx.all(_AGREEMENT + "ORDER BY a.ended_at IS NOT NULL, a.name", Agreement)


def agreement_named(tx: Tx, name: str) -> Agreement:
    """Return the agreement of this name that is in force; raises `Problem` (404)."""
    sql = _AGREEMENT + "WHERE a.name = %(n)s AND a.ended_at IS NULL AND a.until > %(now)s"
    found = tx.one(sql, Agreement, n=name, now=tx.now)
    if found is None:
        raise Problem("returning.agreement", "There is no agreement of this name in force.",
                      status=404, next_step="See `openhaven returning agreements`.")  # fmt: skip
    return found


class Sealed(msgspec.Struct, frozen=True):
    """The secret of an agreement, opened, and the other operator's public key."""

    secret: bytes
    peer_key: bytes


def keys_of(tx: Tx, agreement: str) -> Sealed:
    """Return the keys of an agreement; raises `Problem` (409) once they are gone."""
    sql = "SELECT secret, peer_key FROM returning_agreements WHERE id = %(a)s AND until > %(now)s"
    rows = tx.rows(sql, a=agreement, now=tx.now)
    sealed = bytes(rows[0]["secret"]) if rows and rows[0]["secret"] is not None else None
    plain = None if sealed is None else tx.keys.open(agreed_for(agreement), sealed)
    if plain is None:
        raise Problem("returning.agreement", "This agreement has ended.", status=409,
                      next_step="Make a new one with the other operator.")  # fmt: skip
    return Sealed(plain, bytes(rows[0]["peer_key"]))


def known(tx: Tx, agreement: str) -> Known:
    """Return what a list under this agreement is held against."""
    sql = """SELECT e.remote FROM returning_entries e JOIN returning_lists l ON l.id = e.list
             WHERE l.agreement = %(a)s"""
    remotes = frozenset(str(row["remote"]) for row in tx.rows(sql, a=agreement))
    sql = """SELECT encode(token, 'hex') AS token FROM returning_tokens
             WHERE shared AND purpose = %(a)s"""
    shared = frozenset(str(row["token"]) for row in tx.rows(sql, a=agreement))
    return Known(remotes, shared)


class Mine(msgspec.Struct, frozen=True):
    """One token of ours that may leave under an agreement."""

    entry: str
    harm: str
    expires_at: datetime
    kind: str
    token: str


def exportable(tx: Tx, agreement: str) -> list[Mine]:
    """Return our tokens under an agreement: of decisions that hold and that nobody contests."""
    sql = """SELECT t.entry, e.class AS harm, e.expires_at, t.kind, encode(t.token, 'hex') AS token
             FROM returning_tokens t JOIN returning_entries e ON e.id = t.entry
             WHERE t.purpose = %(a)s AND e.decision IS NOT NULL AND NOT t.shared
               AND t.expires_at > %(now)s
               AND NOT EXISTS (SELECT 1 FROM appeals p WHERE p.decision = e.decision
                               AND p.state = 'open')
             ORDER BY t.entry, t.id"""
    return tx.all(sql, Mine, a=agreement, now=tx.now)


_LIST = """SELECT l.id, l.agreement, a.name, l.way, l.report, s.name AS asked_name, l.asked_at,
             l.state
           FROM returning_lists l JOIN returning_agreements a ON a.id = l.agreement
           JOIN staff s ON s.id = l.asked_by """


def lists(tx: Tx, limit: int = 100) -> list[Row]:
    """Return the lists that came or are to go, the latest first."""
    return tx.all(_LIST + "ORDER BY l.asked_at DESC, l.id DESC LIMIT %(limit)s", Row, limit=limit)


def list_of(tx: Tx, made: str) -> Row:
    """Return one list; raises `Problem` (404)."""
    found = tx.one(_LIST + "WHERE l.id = %(id)s", Row, id=made)
    if found is None:
        raise Problem("returning.list", "There is no such list.", status=404,
                      next_step="Go back to the page of lists.")  # fmt: skip
    return found
