"""Reading what is kept and what was met."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from openhaven.exchange.returning.keys import AGREED, OWN, Root
from openhaven.exchange.returning.model import KINDS_OF_EVENTS, Hit
from openhaven.intake import Claimed
from openhaven.storage import Tx


class Entry(msgspec.Struct, frozen=True):
    """What is kept of one account: its class, what is waited for, and when it ends."""

    id: str
    decision: str | None
    harm: str
    state: str
    created_at: datetime
    wanted_until: datetime | None
    expires_at: datetime
    tokens: int


_ENTRY = """SELECT e.id, e.decision, e.class AS harm, e.state, e.created_at, e.wanted_until,
              e.expires_at, (SELECT count(*) FROM returning_tokens t
                             WHERE t.entry = e.id AND t.purpose = 'own') AS tokens
            FROM returning_entries e """


def entry_of(tx: Tx, decision: str) -> Entry | None:
    """Return what is kept because of a decision; None when nothing is."""
    return tx.one(_ENTRY + "WHERE e.decision = %(d)s", Entry, d=decision)


def wanted(tx: Tx, platform: str, limit: int = 500) -> list[Entry]:
    """Return of which ended accounts a platform may still hand over identifiers, oldest first."""
    sql = (
        _ENTRY
        + """WHERE e.platform = %(p)s AND e.state = 'intended'
                        AND e.wanted_until > %(now)s ORDER BY e.created_at, e.id LIMIT %(limit)s"""
    )
    return tx.all(sql, Entry, p=platform, now=tx.now, limit=limit)


# Keys -----------------------------------------------------------------------------------------


class _Epoch(msgspec.Struct):
    epoch: str
    root: bytes


class _Secret(msgspec.Struct):
    id: str
    secret: bytes
    made_at: datetime
    classes: list[str]


def kept_for(platform: str, epoch: str) -> str:
    """Return the subject for which the root of an epoch is sealed."""
    return f"returning:{platform}:{epoch}"


def agreed_for(agreement: str) -> str:
    """Return the subject for which the secret of an agreement is sealed."""
    return f"returning:{agreement}"


def root_of(tx: Tx, platform: str, epoch: str) -> Root | None:
    """Return the root of one epoch; None where there is none or its key is gone."""
    sql = "SELECT root FROM returning_epochs WHERE platform = %(p)s AND epoch = %(e)s FOR SHARE"
    sealed = tx.value(sql, p=platform, e=epoch)
    plain = None if sealed is None else tx.keys.open(kept_for(platform, epoch), bytes(sealed))
    return None if plain is None else Root(OWN, platform, epoch, plain)


def roots(tx: Tx, platform: str) -> tuple[list[Root], bool]:
    """Return every living root of a platform, and whether one that is needed cannot be opened."""
    sql = "SELECT epoch, root FROM returning_epochs WHERE platform = %(p)s ORDER BY epoch"
    rows = tx.all(sql, _Epoch, p=platform)
    tx.keys.load(kept_for(platform, row.epoch) for row in rows)
    opened = [(row.epoch, tx.keys.open(kept_for(platform, row.epoch), row.root)) for row in rows]
    found = [Root(OWN, platform, epoch, plain) for epoch, plain in opened if plain]
    return found, len(found) < len(rows)


def agreed_roots(tx: Tx, harm: str = "") -> tuple[list[Root], bool]:
    """Return the roots of agreements in force (for a class, where one is named), as `roots`."""
    sql = """SELECT id, secret, made_at, classes FROM returning_agreements
             WHERE secret IS NOT NULL AND until > %(now)s
               AND (%(harm)s = '' OR %(harm)s = ANY (classes)) ORDER BY id"""
    rows = tx.all(sql, _Secret, now=tx.now, harm=harm)
    opened = [(row.id, tx.keys.open(agreed_for(row.id), row.secret)) for row in rows]
    found = [Root(agreement, AGREED, "", plain) for agreement, plain in opened if plain]
    return found, len(found) < len(rows)


# Meeting --------------------------------------------------------------------------------------


class HitRow(Hit, frozen=True, kw_only=True):
    """A hit with the id of its token."""

    token: int


_HIT = """SELECT t.id AS token, t.entry, e.class AS harm, t.family, t.strong, t.shared,
            e.list IS NOT NULL AS listed,
            EXISTS (SELECT 1 FROM appeals a WHERE a.decision = e.decision
                    AND a.state = 'open') AS doubted
          FROM returning_tokens t JOIN returning_entries e ON e.id = t.entry """


_LIVING = """LEFT JOIN decisions d ON d.id = e.decision
  WHERE t.token = ANY(%(tokens)s) AND t.expires_at > %(now)s AND e.expires_at > %(now)s
    AND (e.platform IS NULL OR e.platform = %(p)s)
    AND (d.account IS DISTINCT FROM %(a)s OR d.platform IS DISTINCT FROM %(p)s)
    AND NOT EXISTS (SELECT 1 FROM returning_sightings s
                    JOIN returning_hits h ON h.sighting = s.id
                    JOIN returning_tokens o ON o.id = h.token
                    WHERE s.platform = %(p)s AND s.account = %(a)s
                      AND s.cleared_at IS NOT NULL AND o.entry = t.entry)
  ORDER BY t.id"""


def hits(tx: Tx, platform: str, account: str, tokens: Collection[bytes]) -> list[HitRow]:
    """Return the kept tokens that are among these, in the order of their ids.

    An account does not meet its own, nor what a person has found to be somebody else's.
    """
    sql = _HIT + _LIVING
    return tx.all(sql, HitRow, tokens=list(tokens), now=tx.now, p=platform, a=account)


class Met(msgspec.Struct, frozen=True):
    """A sign-up that met something, before anything followed from it."""

    id: str
    platform: str
    event: str
    unknown: str | None
    hits: list[HitRow] = []


def met(tx: Tx, batch: Sequence[Claimed]) -> dict[int, Met]:
    """Return what the sign-ups of a batch met, by the number of the event; mostly nothing.

    What ended in the meantime, such as with an upheld appeal, is not among it any more.
    """
    asked = [one for one in batch if one.event.kind in KINDS_OF_EVENTS]
    if not asked:
        return {}
    sql = """SELECT s.id, s.platform, s.event, s.unknown FROM returning_sightings s
             JOIN unnest(%(ps)s::text[], %(es)s::text[]) AS n (p, e)
               ON s.platform = n.p AND s.event = n.e
             WHERE s.strength IS NULL"""
    found = tx.all(sql, Met, ps=[one.platform for one in asked], es=[one.event.id for one in asked])
    by_event = {(one.platform, one.event): one for one in found}
    return {
        claimed.seq: msgspec.structs.replace(one, hits=hits_of(tx, one.id))
        for claimed in asked
        if (one := by_event.get((claimed.platform, claimed.event.id))) is not None
    }


def hits_of(tx: Tx, sighting: str) -> list[HitRow]:
    """Return what is left of what a sign-up met."""
    sql = (
        _HIT
        + """JOIN returning_hits h ON h.token = t.id
          WHERE h.sighting = %(s)s AND t.expires_at > %(now)s ORDER BY t.id"""
    )
    return tx.all(sql, HitRow, s=sighting, now=tx.now)


class Sighting(msgspec.Struct, frozen=True):
    """A sign-up that met something, and what followed from it.

    `friction` is whether the newcomer is asked for more now: while the time lasts, nobody found
    that it is somebody else, and what was met still stands.
    """

    id: str
    platform: str
    account: str
    at: datetime
    strength: str
    task: str | None
    friction_until: datetime | None
    cleared_at: datetime | None
    friction: bool


_SIGHTING = """SELECT s.id, s.platform, s.account, s.at, s.strength, s.task, s.friction_until,
                 s.cleared_at, coalesce(s.friction_until > %(now)s, false)
                   AND s.cleared_at IS NULL
                   AND EXISTS (SELECT 1 FROM returning_hits h WHERE h.sighting = s.id) AS friction
               FROM returning_sightings s WHERE s.strength IS NOT NULL """


def sighting(tx: Tx, sighting: str) -> Sighting | None:
    """Return one sighting that was followed up, by its id."""
    return tx.one(_SIGHTING + "AND s.id = %(id)s", Sighting, id=sighting, now=tx.now)


def sighting_of_task(tx: Tx, task: str) -> Sighting | None:
    """Return the latest sighting that a task is about."""
    sql = _SIGHTING + "AND s.task = %(t)s ORDER BY s.at DESC, s.id DESC LIMIT 1"
    return tx.one(sql, Sighting, t=task, now=tx.now)


def sightings_of(tx: Tx, platform: str, account: str) -> list[Sighting]:
    """Return what an account met, the latest first."""
    sql = (
        _SIGHTING
        + """AND s.platform = %(p)s AND s.account = %(a)s
                         ORDER BY s.at DESC, s.id DESC LIMIT 50"""
    )
    return tx.all(sql, Sighting, p=platform, a=account, now=tx.now)
