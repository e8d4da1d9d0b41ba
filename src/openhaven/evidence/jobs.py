"""Periodic work of evidence: end holds, destroy what none keeps, and tend the store."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import structlog

from openhaven.core import Problem, system
from openhaven.evidence import actions, holding, officers, store
from openhaven.evidence.model import Check
from openhaven.evidence.vault import Vault
from openhaven.storage import Tx

log = structlog.get_logger("evidence")
_ME = system("evidence")
# A file that is younger than this may belong to an item whose row is still being written.
_SETTLED = timedelta(days=1)
_CHECK_EVERY = timedelta(days=1)


def tend(vault: Vault, now: datetime | None = None) -> int:
    """Do what is due at `now` (default: this moment); returns 0, since nothing waits for more.

    What the store refuses for one item holds up no other; at the end it is raised.
    """
    while _ended(vault, now):
        pass
    with vault.db.begin(_ME, now) as tx:
        officers.end_of_left(vault, tx)
    faults = [*_each(vault, _to_keep, _keep, now), *_each(vault, _to_remove, _remove, now)]
    swept = vault.store.sweep()
    if swept:
        log.info("evidence.drafts_removed", number=swept)
    with vault.db.read(now) as tx:
        last = store.last_check(tx)
        due = last is None or last.at < tx.now - _CHECK_EVERY
    if due:
        check(vault, now)
    if faults:
        raise faults[0]
    return 0


def _each(
    vault: Vault,
    due: Callable[[Tx], "list[_Due]"],
    step: Callable[[Vault, "_Due", datetime | None], None],
    now: datetime | None,
) -> list[Problem]:
    """Take a step with each item that is due; return what did not work."""
    faults = []
    for item in _with(vault, due, now):
        try:
            step(vault, item, now)
        except Problem as problem:
            if problem.code.startswith(("objects.", "database.")):
                raise
            log.error("evidence.item_failed", item=item.id, problem=problem.code)
            faults.append(problem)
    return faults


def _keep(vault: Vault, item: "_Due", now: datetime | None) -> None:
    vault.store.keep(item.blob, item.until)
    with vault.db.begin(_ME, now) as tx:
        holding.mark_kept(tx, item.id, item.until)


def _remove(vault: Vault, item: "_Due", now: datetime | None) -> None:
    # Bytes that are named by what is in them belong to one item: its key is in no other.
    if vault.store.remove(item.blob, item.until):
        with vault.db.begin(_ME, now) as tx:
            holding.note_removed(tx, item.id)


def check(vault: Vault, now: datetime | None = None) -> Check:
    """Compare the store with the items, store what was found, and return it.

    Lost are items that should be there; strays are files of no item that are older than a day, as a
    crash between a file and its row leaves them. Nothing is removed: after a restore from a backup
    the newest evidence looks like that, until its rows are restored as well.
    """
    with vault.db.read(now) as tx:
        known, living, began = store.blobs(tx), store.living_blobs(tx), tx.now
    found, strays = set[str](), 0
    for name, at in vault.store.names():
        found.add(name)
        strays += name not in known and at < began - _SETTLED
    with vault.db.begin(_ME, now) as tx:
        # What was destroyed while the store was listed is not lost.
        still = store.living_blobs(tx)
        lost = sorted(still[one] for one in living.keys() & still.keys() if one not in found)
        made = actions.note_check(tx, len(living), lost, strays)
    if lost or strays:
        log.error("evidence.store_differs", lost=len(lost), strays=strays)
    return made


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
