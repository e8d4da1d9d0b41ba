"""Periodic work of evidence: end holds, destroy what none keeps, and tend the store."""

from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog

from openhaven.core import system
from openhaven.evidence import holding
from openhaven.evidence.vault import Vault
from openhaven.storage import Tx

log = structlog.get_logger("evidence")
_ME = system("evidence")


def tend(vault: Vault, now: datetime | None = None) -> int:
    """Do what is due at `now` (default: this moment); returns 0, since nothing waits for more."""
    while _ended(vault, now):
        pass
    for item in _with(vault, _to_keep, now):
        vault.store.keep(item.blob, item.until)
        with vault.db.begin(_ME, now) as tx:
            holding.mark_kept(tx, item.id, item.until)
    for item in _with(vault, _to_remove, now):
        # Bytes that are named by what is in them belong to one item: its key is in no other.
        if vault.store.remove(item.blob, item.until):
            with vault.db.begin(_ME, now) as tx:
                holding.note_removed(tx, item.id)
    swept = vault.store.sweep()
    if swept:
        log.info("evidence.drafts_removed", number=swept)
    return 0


def _ended(vault: Vault, now: datetime | None) -> int:
    with vault.db.begin(_ME, now) as tx:
        return holding.end_over(tx) + holding.let_go(tx)


class _Due(msgspec.Struct, frozen=True):
    id: str
    blob: str
    until: datetime


def _to_keep(tx: Tx) -> list[_Due]:
    """Return items that a hold keeps for longer than the store was told."""
    sql = """SELECT i.id, i.blob, max(h.until) AS until FROM evidence_items i
             JOIN holds h ON h.case_id = i.case_id AND h.ended_at IS NULL
               AND h.ground <> 'uk.nca.reference' AND (h.item IS NULL OR h.item = i.id)
             WHERE i.destroyed_at IS NULL GROUP BY i.id, i.blob, i.kept_until
             HAVING i.kept_until IS NULL OR max(h.until) > i.kept_until
             ORDER BY i.id LIMIT 500"""
    return tx.all(sql, _Due)


def _to_remove(tx: Tx) -> list[_Due]:
    """Return destroyed items whose sealed bytes the store may let go."""
    sql = """SELECT id, blob, %(now)s::timestamptz AS until FROM evidence_items
             WHERE destroyed_at IS NOT NULL AND removed_at IS NULL
               AND (kept_until IS NULL OR kept_until <= %(now)s) ORDER BY id LIMIT 500"""
    return tx.all(sql, _Due, now=tx.now)


def _with(vault: Vault, due: Callable[[Tx], list[_Due]], now: datetime | None) -> list[_Due]:
    with vault.db.read(now) as tx:
        return due(tx)
