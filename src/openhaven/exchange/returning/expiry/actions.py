"""Verbs of the end: let go of what is past its time, destroy keys, tell the ledger."""

from datetime import timedelta
from typing import Literal

from openhaven import ledger
from openhaven.exchange.returning import store
from openhaven.exchange.returning.model import setting
from openhaven.storage import Tx

_STEP = 500
Reason = Literal["expired", "unanswered", "agreement"]


def expire(tx: Tx) -> int:
    """Let go of what is past its time; return how much there was. The ledger gets the numbers."""
    # An entry before its tokens, as `returning_end` takes them. Who ends an entry at this moment is
    # not waited for: what is left of it is found in the next round.
    gone = tx.run(
        """DELETE FROM returning_tokens WHERE id IN (SELECT t.id FROM returning_tokens t
             JOIN returning_entries e ON e.id = t.entry WHERE t.expires_at <= %(now)s
             ORDER BY t.id LIMIT %(step)s FOR UPDATE OF e SKIP LOCKED)""",
        now=tx.now, step=_STEP,
    )  # fmt: skip
    if gone:
        ledger.append(tx, "returning.expired", {"tokens": str(gone)})
    over = """SELECT id FROM returning_entries e WHERE e.state = 'held' AND (e.expires_at <= %(now)s
                OR NOT EXISTS (SELECT 1 FROM returning_tokens t WHERE t.entry = e.id))
              ORDER BY id LIMIT %(step)s FOR UPDATE SKIP LOCKED"""
    late = """SELECT id FROM returning_entries WHERE state = 'intended' AND wanted_until <= %(now)s
              ORDER BY id LIMIT %(step)s FOR UPDATE SKIP LOCKED"""
    gone += end(tx, over, "expired") + end(tx, late, "unanswered")
    before = tx.now - timedelta(days=setting().limits.sighting_days)
    gone += tx.run(
        # Who has said that it is somebody else gets an answer first.
        """DELETE FROM returning_sightings WHERE id IN (SELECT id FROM returning_sightings s
             WHERE at < %(b)s AND NOT EXISTS (SELECT 1 FROM returning_contests c
               WHERE c.sighting = s.id AND c.state = 'open') ORDER BY id LIMIT %(step)s)""",
        b=before, step=_STEP,
    )  # fmt: skip
    return gone + _destroy_epochs(tx)


def end(tx: Tx, which: str, reason: Reason, **params: object) -> int:
    """End the entries that a query of ours names; return how many."""
    ids = [str(row["id"]) for row in tx.rows(which, **{"now": tx.now, "step": _STEP, **params})]
    if not ids:
        return 0
    return int(tx.value("SELECT returning_end(%(ids)s, %(why)s, %(now)s)", ids=ids, why=reason,
                        now=tx.now))  # fmt: skip


def _destroy_epochs(tx: Tx) -> int:
    """Destroy the keys of epochs that are over and of which no token is left."""
    sql = """SELECT e.platform, e.epoch FROM returning_epochs e
             WHERE e.ends_at + %(wanted)s <= %(now)s AND NOT EXISTS (
               SELECT 1 FROM returning_tokens t JOIN returning_entries n ON n.id = t.entry
               WHERE t.purpose = 'own' AND t.epoch = e.epoch AND n.platform = e.platform)
             ORDER BY 1, 2 FOR UPDATE OF e"""
    over = tx.rows(sql, now=tx.now, wanted=timedelta(days=setting().limits.wanted_days + 1))
    for row in over:
        platform, epoch = str(row["platform"]), str(row["epoch"])
        tx.keys.destroy(store.kept_for(platform, epoch))
        tx.run("DELETE FROM returning_epochs WHERE platform = %(p)s AND epoch = %(e)s",
               p=platform, e=epoch)  # fmt: skip
        ledger.append(tx, "returning.key_destroyed", {"platform": platform, "epoch": epoch})
    return len(over)


def tell_ends(tx: Tx, limit: int = 200) -> int:
    """Put into the ledger what has ended, each with its reason and how many tokens went."""
    sql = """UPDATE returning_ends SET told = true WHERE id IN (SELECT id FROM returning_ends
               WHERE NOT told ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
             RETURNING entry, reason, tokens"""
    rows = tx.rows(sql, limit=limit)
    news = [ledger.New("returning.ended", {"entry": str(row["entry"]), "reason": str(row["reason"]),
                                           "tokens": str(row["tokens"])})
            for row in rows]  # fmt: skip
    ledger.append_many(tx, news)
    return len(rows)
