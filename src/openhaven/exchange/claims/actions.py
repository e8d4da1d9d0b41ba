"""Verbs of claims: put in a page of changes, sweep what a listing left out, drop a whole source."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from openhaven.core import Problem
from openhaven.exchange.model import MOST_CHANGES, Change, Page, Source, Stored
from openhaven.signals.banks import create_bank, withdraw_entries
from openhaven.signals.banks.model import LONGEST_SOURCE_ID, fault_of
from openhaven.signals.banks.store import by_name
from openhaven.storage import Tx

CHANNEL = "banks"
# A listing that leaves out more than half of this many entries or more is not believed.
FEW = 100
WITHDRAWN = "its source withdrew it"


class _Row(msgspec.Struct, frozen=True):
    """One value of one record, ready to be put in."""

    bank: str
    source_id: str
    value: bytes
    quality: int | None
    tags: str
    at: datetime | None


def changes(tx: Tx, source: Source, page: Page) -> Stored:
    """Put in what a page says: new records, other values of known ones, records that are gone."""
    if len(page.changes) > MOST_CHANGES:
        raise Problem("source.page", f"A page has at most {MOST_CHANGES} changes.", status=502)
    last = {one.source_id: one for one in page.changes if _named(one)}
    fresh = _not_older(tx, source, last)
    rows, refused = _rows(tx, source, fresh.values())
    added = _put(tx, source, rows)
    gone = _unclaim(tx, source, list(fresh), rows)
    unnamed = sum(not _named(one) for one in page.changes)
    return Stored(added, gone, refused + unnamed + len(page.faults))


def sweep(tx: Tx, source: Source, since: datetime, *, all_may_go: bool) -> int:
    """Withdraw what a whole listing that began at `since` did not name; return how many entries."""
    sql = """SELECT count(DISTINCT entry) FILTER (WHERE seen_at < %(since)s) AS gone,
               count(DISTINCT entry) AS whole FROM bank_claims WHERE source = %(s)s"""
    count = tx.rows(sql, s=source.id, since=since)[0]
    if count["gone"] > FEW and count["gone"] * 2 > count["whole"] and not all_may_go:
        raise Problem(
            "source.empty",
            f"It left out {count['gone']} of {count['whole']} entries, which is not believed.",
            status=502,
            next_step=f"When that is right: openhaven bank fetch {source.name} --all-may-go",
        )
    sql = """DELETE FROM bank_claims WHERE source = %(s)s AND seen_at < %(since)s
             RETURNING entry"""
    return _orphans(tx, [row["entry"] for row in tx.rows(sql, s=source.id, since=since)])


def weigh(tx: Tx, source: Source, withdrawn: int, *, all_may_go: bool) -> None:
    """Count what a source withdrew today (UTC), in however many pages.

    Raises `Problem` when that is more than what is left of it, unless `all_may_go`: a service that
    somebody has broken into could otherwise take everything away in small steps.
    """
    if not withdrawn:
        return
    sql = """UPDATE bank_sources SET gone_on = %(day)s, gone = CASE WHEN %(all)s THEN 0
               WHEN gone_on = %(day)s THEN gone + %(n)s ELSE %(n)s END
             WHERE id = %(s)s RETURNING gone"""
    gone = int(tx.value(sql, s=source.id, day=tx.now.date(), n=withdrawn, all=all_may_go))
    if gone <= FEW:
        return
    left = tx.value("SELECT count(DISTINCT entry) FROM bank_claims WHERE source = %(s)s",
                    s=source.id)  # fmt: skip
    if gone > left:
        raise Problem(
            "source.emptied",
            f"It withdrew {gone} entries today and would leave {left}, which is not believed.",
            status=502,
            next_step=f"When that is right: openhaven bank fetch {source.name} --all-may-go",
        )


def drop_all(tx: Tx, source: Source, reason: str) -> int:
    """Withdraw everything that this source alone speaks for."""
    sql = "DELETE FROM bank_claims WHERE source = %(s)s RETURNING entry"
    return _orphans(tx, [row["entry"] for row in tx.rows(sql, s=source.id)], reason)


# Inside ---------------------------------------------------------------------------------------


def _named(change: Change) -> bool:
    return 0 < len(change.source_id) <= LONGEST_SOURCE_ID and "\0" not in change.source_id


def _not_older(tx: Tx, source: Source, last: dict[str, Change]) -> dict[str, Change]:
    """Return those changes that are not older than what is known of their record."""
    sql = """SELECT source_id, max(source_at) AS at FROM bank_claims
             WHERE source = %(s)s AND source_id = ANY(%(ids)s) GROUP BY source_id"""
    known = {row["source_id"]: row["at"] for row in tx.rows(sql, s=source.id, ids=list(last))}
    old = [name for name, one in last.items() if _before(one.at, known.get(name))]
    # What is older than we know is no news, but it shows that the record is still there.
    sql = """UPDATE bank_claims SET seen_at = %(now)s
             WHERE source = %(s)s AND source_id = ANY(%(old)s)"""
    if old:
        tx.run(sql, s=source.id, old=old, now=tx.now)
    return {name: one for name, one in last.items() if name not in set(old)}


def _before(at: datetime | None, known: datetime | None) -> bool:
    return at is not None and known is not None and at < known


def _rows(tx: Tx, source: Source, fresh: Iterable[Change]) -> tuple[list[_Row], int]:
    banks: dict[tuple[str, str], str] = {}
    rows, refused = [], 0
    for one in fresh:
        for value in one.values:
            if fault_of(value.kind, value.value, value.quality):
                refused += 1
                continue
            key = (value.kind, one.opinion)
            bank = banks.get(key) or banks.setdefault(key, _bank(tx, source, *key))
            tags = "\x1f".join(tag[:60] for tag in one.tags[:20])
            rows.append(_Row(bank, one.source_id, value.value, value.quality, tags, one.at))
    return rows, refused


def _bank(tx: Tx, source: Source, kind: str, opinion: str) -> str:
    """Return the id of the bank for what a source brings of one kind, made when it is missing."""
    name = f"{source.name}-{kind}" + ("" if opinion == "positive" else "-doubtful")
    found = by_name(tx, name)
    if found is not None and (found.kind, found.opinion) != (kind, opinion):
        raise Problem("source.bank", f"There is another bank “{name}” already.", status=409,
                      next_step="Remove the source and add it under another name.")  # fmt: skip
    if found is None:
        found = create_bank(
            tx, name, kind=kind, harm=source.harm, owner=source.owner, purpose=source.purpose,
            opinion=opinion, radius=source.radius, mode=source.mode, at_most=source.at_most,
            clause=source.clause,
        )  # fmt: skip
    return found.id


def _put(tx: Tx, source: Source, rows: Sequence[_Row]) -> int:
    """Add or revive entries and claim them; return how many are new in their bank."""
    if not rows:
        return 0
    # What people withdrew here stays withdrawn; only the source's own withdrawals are undone.
    sql = """WITH given AS (
               SELECT DISTINCT ON (bank, value) * FROM unnest(%(banks)s::text[],
                 %(values)s::bytea[], %(qualities)s::int[], %(ids)s::text[], %(tags)s::text[])
                 AS given (bank, value, quality, source_id, tags) ORDER BY bank, value
             ), put AS (
               INSERT INTO bank_entries AS e (bank, value, quality, provenance, source, source_id,
                 tags, added_by, added_at)
               SELECT bank, value, quality, %(name)s, %(source)s, source_id,
                 coalesce(string_to_array(nullif(tags, ''), chr(31)), '{}'), %(actor)s, %(now)s
               FROM given
               ON CONFLICT (bank, sha256(value)) DO UPDATE SET withdrawn_at = NULL,
                 withdrawn_by = NULL, withdrawn_reason = NULL, quality = excluded.quality,
                 source = excluded.source,
                 source_id = excluded.source_id, tags = excluded.tags
                 WHERE e.withdrawn_at IS NOT NULL AND e.withdrawn_reason = %(theirs)s
                   AND e.source IS NOT NULL
               RETURNING id, bank
             )
             INSERT INTO bank_changes (bank, entry, op, at)
             SELECT bank, id, 'add', %(now)s FROM put"""
    added = tx.run(
        sql, banks=[row.bank for row in rows], values=[row.value for row in rows],
        qualities=[row.quality for row in rows], ids=[row.source_id for row in rows],
        tags=[row.tags for row in rows], name=source.name, source=source.id,
        actor=str(tx.actor), now=tx.now, theirs=WITHDRAWN,
    )  # fmt: skip
    sql = """INSERT INTO bank_claims AS c (source, source_id, entry, source_at, seen_at)
             SELECT %(source)s, g.source_id, e.id, max(g.at), %(now)s
             FROM unnest(%(banks)s::text[], %(values)s::bytea[], %(ids)s::text[],
               %(ats)s::timestamptz[]) AS g (bank, value, source_id, at)
             JOIN bank_entries e ON e.bank = g.bank AND sha256(e.value) = sha256(g.value)
             GROUP BY g.source_id, e.id
             ON CONFLICT (source, source_id, entry) DO UPDATE SET seen_at = excluded.seen_at,
               source_at = coalesce(excluded.source_at, c.source_at)"""
    tx.run(sql, source=source.id, now=tx.now, banks=[row.bank for row in rows],
           values=[row.value for row in rows], ids=[row.source_id for row in rows],
           ats=[row.at for row in rows])  # fmt: skip
    if added:
        tx.wake(CHANNEL)
    return added


def _unclaim(tx: Tx, source: Source, ids: list[str], rows: Sequence[_Row]) -> int:
    """Drop the claims of these records on what they do not name any more."""
    sql = """DELETE FROM bank_claims c WHERE c.source = %(s)s AND c.source_id = ANY(%(ids)s)
               AND NOT EXISTS (
                 SELECT 1 FROM unnest(%(banks)s::text[], %(values)s::bytea[], %(named)s::text[])
                   AS g (bank, value, source_id) JOIN bank_entries e
                   ON e.bank = g.bank AND sha256(e.value) = sha256(g.value)
                 WHERE g.source_id = c.source_id AND e.id = c.entry)
             RETURNING c.entry"""
    gone = tx.rows(sql, s=source.id, ids=ids, banks=[row.bank for row in rows],
                   values=[row.value for row in rows],
                   named=[row.source_id for row in rows])  # fmt: skip
    return _orphans(tx, [row["entry"] for row in gone])


def _orphans(tx: Tx, entries: Sequence[int], reason: str = WITHDRAWN) -> int:
    """Withdraw those of these entries that a source brought and no record claims any more."""
    if not entries:
        return 0
    sql = """SELECT id FROM bank_entries e WHERE id = ANY(%(ids)s) AND source IS NOT NULL
               AND withdrawn_at IS NULL
               AND NOT EXISTS (SELECT 1 FROM bank_claims c WHERE c.entry = e.id)"""
    ids = [int(row["id"]) for row in tx.rows(sql, ids=list(entries))]
    return withdraw_entries(tx, ids, reason) if ids else 0
