"""Reading trusted flaggers, and what became of what they reported."""

from datetime import datetime

import msgspec

from openhaven.storage import Tx


class Flagger(msgspec.Struct, frozen=True):
    """A trusted flagger's key: its harms, and how many of its decided reports led to something."""

    id: str
    name: str
    platform: str
    harms: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None
    sent: int = 0
    acted: int = 0
    not_acted: int = 0


# What was overturned since counts as if nothing had been done; what is held back counts not yet.
_ALL = """SELECT k.id, k.name, p.name AS platform, k.harms, k.created_at, k.revoked_at,
            count(r.id) AS sent,
            count(r.id) FILTER (WHERE d.outcome <> 'allow' AND d.state <> 'overturned') AS acted,
            count(r.id) FILTER (WHERE d.outcome = 'allow' OR d.state = 'overturned') AS not_acted
          FROM api_keys k JOIN platforms p ON p.id = k.platform
          LEFT JOIN reports r ON r.flagger = k.id
          LEFT JOIN LATERAL (SELECT d.outcome, d.state FROM decisions d
            WHERE d.case_id = r.case_id AND r.state = 'decided' AND d.decided_by NOT LIKE 'held:%%'
            ORDER BY d.decided_at DESC LIMIT 1) d ON true
          WHERE k.kind = 'flagger' GROUP BY k.id, p.name ORDER BY k.name, k.created_at"""


def flaggers(tx: Tx) -> list[Flagger]:
    """Return all trusted flaggers, also those whose key was taken back, by name."""
    return tx.all(_ALL, Flagger)


def flagger_of(tx: Tx, key: str) -> Flagger | None:
    """Return the trusted flagger of a living key's id, or None when it is a platform's key."""
    sql = """SELECT k.id, k.name, p.name AS platform, k.harms, k.created_at, k.revoked_at
             FROM api_keys k JOIN platforms p ON p.id = k.platform
             WHERE k.id = %(k)s AND k.kind = 'flagger' AND k.revoked_at IS NULL"""
    return tx.one(sql, Flagger, k=key)
