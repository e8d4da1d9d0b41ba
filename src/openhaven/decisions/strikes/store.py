"""Reading strikes."""

from openhaven.decisions.strikes.model import Strike
from openhaven.storage import Tx

_STRIKE = """SELECT decision, platform, account, severity, state, given_at, expires_at, answered_by,
               answered_at FROM strikes """


def counting(tx: Tx, platform: str, account: str) -> int:
    """Return how many strikes of an account count now; those that have expired do not."""
    sql = """SELECT count(*) FROM strikes WHERE platform = %(p)s AND account = %(a)s
             AND state = 'counts' AND expires_at > %(now)s"""
    return int(tx.value(sql, p=platform, a=account, now=tx.now))


def strike_of(tx: Tx, decision: str) -> Strike | None:
    """Return the strike that a decision gave, if it gave one."""
    return tx.one(_STRIKE + "WHERE decision = %(d)s", Strike, d=decision)


def waiting(tx: Tx, limit: int = 100) -> list[Strike]:
    """Return strikes that wait for a specialist, oldest first."""
    sql = _STRIKE + "WHERE state = 'waits' ORDER BY given_at, decision LIMIT %(limit)s"
    return tx.all(sql, Strike, limit=limit)


def may_be_child(tx: Tx, platform: str, account: str) -> bool:
    """Say whether the holder may be a child: nobody said 18 or more, or some source says less.

    Which source is the stronger does not matter here: in doubt a specialist looks at it.
    """
    sql = """SELECT 1 FROM accounts a WHERE a.platform = %(p)s AND a.id = %(a)s
               AND a.age_band = '18-plus' AND NOT EXISTS (
                 SELECT 1 FROM age_evidence e WHERE e.subject = a.subject AND e.band <> '18-plus'
                   AND (e.expires IS NULL OR e.expires > %(today)s))"""
    return tx.value(sql, p=platform, a=account, today=tx.now.date()) is None
