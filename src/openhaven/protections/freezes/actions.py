"""Verbs: freeze the contact between two accounts in both directions, and let it begin again."""

from openhaven import ledger
from openhaven.core import new_id
from openhaven.storage import Tx


def freeze_contact(tx: Tx, platform: str, account: str, other: str) -> None:
    """Let nothing pass between two accounts until `account`, who asks for it, ends that.

    Whoever calls this knows from the platform itself that it is the holder of `account` who asks.
    """
    # Profiles begin with accounts, so that it has to be one that is known.
    sql = """INSERT INTO accounts (platform, id, subject, age_band, seen_at)
             VALUES (%(p)s, %(a)s, %(subject)s, 'unknown', %(now)s) ON CONFLICT DO NOTHING"""
    subject = new_id("per")
    if tx.run(sql, p=platform, a=account, subject=subject, now=tx.now):
        tx.keys.ensure([subject])
    sql = """INSERT INTO contact_freezes (platform, account, other, since)
             VALUES (%(p)s, %(a)s, %(o)s, %(now)s)
             ON CONFLICT (platform, account, other) DO UPDATE SET since = excluded.since,
               ended_at = NULL, writer = pg_current_xact_id()
               WHERE contact_freezes.ended_at IS NOT NULL"""
    if tx.run(sql, p=platform, a=account, o=other, now=tx.now):
        # Not between whom: the ledger is public.
        ledger.append(tx, "protection.contact_frozen", {})


def thaw_contact(tx: Tx, platform: str, account: str, other: str) -> None:
    """End a freeze that `account` asked for; one that the other asked for stays."""
    sql = """UPDATE contact_freezes SET ended_at = %(now)s, writer = pg_current_xact_id()
             WHERE platform = %(p)s AND account = %(a)s AND other = %(o)s AND ended_at IS NULL"""
    if tx.run(sql, p=platform, a=account, o=other, now=tx.now):
        ledger.append(tx, "protection.contact_thawed", {})
