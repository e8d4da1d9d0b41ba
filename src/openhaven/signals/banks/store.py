"""Reads of banks, and `Banks`, which follows their log of changes.

Sequence numbers are given before a transaction ends, so a lower one may become visible after a
higher one: asking for "everything after the last number I saw" would lose it for ever. Each change
therefore carries its writer's transaction, and a reader asks for the changes of all transactions
that had not ended when it asked the last time. Reading a change twice does no harm, for a change
only says which entry to look at again.
"""

import threading
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from openhaven.signals.banks.index import Columns, Words, columns
from openhaven.signals.banks.model import KINDS, BankInfo, Entry, Kind, Match, Row
from openhaven.signals.banks.snapshot import EMPTY, Snapshot
from openhaven.storage import Tx

PAGE = 50_000


class Change(msgspec.Struct, frozen=True):
    """A line of the log: something was done to a bank, or to one of its entries."""

    seq: int
    entry: int | None


class Shown(msgspec.Struct, frozen=True):
    """A bank as it is listed for people."""

    id: str
    name: str
    kind: Kind
    harm: str
    opinion: str
    radius: int
    mode: str
    owner: str
    purpose: str
    entries: int
    at_most: str = "act"
    clause: str = ""
    expires_at: datetime | None = None
    proposed: int = 0
    confirmed: int = 0
    false_matches: int = 0


_INFO = "SELECT id, name, kind, harm, opinion, radius, mode, at_most, clause FROM banks "
_ENTRY = """SELECT id, bank, value, quality, provenance, source, source_id, tags, added_by,
              added_at, expires_at, negative, confirmed_by, confirmed_at, withdrawn_at,
              withdrawn_by, withdrawn_reason, living FROM bank_entries """


def infos(tx: Tx) -> list[BankInfo]:
    """Return every bank."""
    return tx.all(_INFO + "ORDER BY name", BankInfo)


def by_name(tx: Tx, name: str) -> BankInfo | None:
    """Return the bank with this name, or None."""
    return tx.one(_INFO + "WHERE name = %(name)s", BankInfo, name=name)


def listed(tx: Tx) -> list[Shown]:
    """Return every bank with its living entries, and what was proposed and said of matches."""
    sql = """SELECT b.id, b.name, b.kind, b.harm, b.opinion, b.radius, b.mode, b.owner, b.purpose,
                    b.at_most, b.clause, b.expires_at,
                    (SELECT count(*) FROM bank_entries e WHERE e.bank = b.id AND e.living)
                      AS entries,
                    (SELECT count(*) FROM bank_entries e WHERE e.bank = b.id AND e.negative
                     AND e.confirmed_at IS NULL AND e.withdrawn_at IS NULL) AS proposed,
                    (SELECT count(*) FROM bank_feedback f WHERE f.bank = b.id
                     AND f.word = 'confirm') AS confirmed,
                    (SELECT count(*) FROM bank_feedback f WHERE f.bank = b.id
                     AND f.word = 'false_match') AS false_matches
             FROM banks b ORDER BY b.name"""
    return tx.all(sql, Shown)


def entry(tx: Tx, number: int) -> Entry | None:
    """Return one entry by its id, living or not."""
    return tx.one(_ENTRY + "WHERE id = %(id)s", Entry, id=number)


def entry_of(tx: Tx, bank: str, value: bytes) -> Entry | None:
    """Return the entry of a bank (by id) with this value, living or not."""
    return tx.one(_ENTRY + "WHERE bank = %(b)s AND value = %(v)s", Entry, b=bank, v=value)


def proposed(tx: Tx, bank: str, limit: int = 200) -> list[Entry]:
    """Return what was proposed as harmless for a bank (by id) and waits for another person."""
    sql = """WHERE bank = %(b)s AND negative AND confirmed_at IS NULL AND withdrawn_at IS NULL
             ORDER BY id LIMIT %(limit)s"""
    return tx.all(_ENTRY + sql, Entry, b=bank, limit=limit)


def entry_pages(tx: Tx, bank: str, size: int, *, own: bool = False) -> Iterator[list[Entry]]:
    """Yield all living entries of a bank (by id), `size` at a time; with `own`, only our own."""
    sql = """WHERE bank = %(b)s AND id > %(after)s AND living AND (NOT %(own)s OR source IS NULL)
             ORDER BY id LIMIT %(size)s"""
    after = 0
    while page := tx.all(_ENTRY + sql, Entry, b=bank, after=after, own=own, size=size):
        yield page
        after = page[-1].id


def horizon(tx: Tx) -> str:
    """Return the oldest transaction that has not ended; all changes before it can be seen now."""
    return str(tx.value("SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon"))


def changes(tx: Tx, since: str) -> list[Change]:
    """Return the changes that were written by transaction `since` or a later one.

    A database that was restored from a copy has changes of transactions it has not reached yet:
    they were there when the reader started, and are left out.
    """
    sql = """SELECT seq, entry FROM bank_changes
             WHERE writer >= %(since)s::xid8
               AND writer < pg_snapshot_xmax(pg_current_snapshot()) ORDER BY seq"""
    return tx.all(sql, Change, since=since)


def living(tx: Tx, ids: Iterable[int]) -> list[Row]:
    """Return those of these entries that count: not withdrawn, and confirmed where need be."""
    sql = """SELECT id, bank, value, quality, provenance FROM bank_entries
             WHERE id = ANY(%(ids)s) AND living"""
    return [Row(**row) for row in tx.rows(sql, ids=list(ids))]


def pages(tx: Tx, kind: Kind) -> Iterator[list[Row]]:
    """Yield all living entries of one kind, some ten thousand at a time."""
    sql = """SELECT e.id, e.bank, e.value, e.quality, e.provenance
             FROM bank_entries e JOIN banks b ON b.id = e.bank
             WHERE b.kind = %(kind)s AND e.id > %(after)s AND e.living
             ORDER BY e.id LIMIT %(page)s"""
    after = 0
    while page := [Row(**row) for row in tx.rows(sql, kind=kind, after=after, page=PAGE)]:
        yield page
        after = page[-1].id


class Banks:
    """The banks of this process: a snapshot that is swapped for a newer one. Safe for threads."""

    def __init__(self, snapshot: Snapshot = EMPTY) -> None:
        self.snapshot = snapshot
        self._since: str | None = None
        self._seen: frozenset[int] = frozenset()
        self._one = threading.Lock()

    def refresh(self, tx: Tx) -> bool:
        """Take up what was committed since the last time; say whether there was anything.

        The first call reads everything. `tx` should be a reading transaction of its own: what its
        writer might still roll back must not be believed.
        """
        with self._one:
            now = horizon(tx)
            if self._since is None:
                self.snapshot = _everything(tx)
                self._since = now
                return True
            news = changes(tx, self._since)
            fresh = [change for change in news if change.seq not in self._seen]
            if fresh:
                ids = {change.entry for change in fresh if change.entry is not None}
                self.snapshot = self.snapshot.changed(infos(tx), ids, living(tx, ids))
            self._since = now
            self._seen = frozenset(change.seq for change in news)
            return bool(fresh)

    def match(self, kind: Kind, value: bytes) -> list[Match]:
        """Return the matches of one value now, nearest first."""
        return self.snapshot.match(kind, value)


def _everything(tx: Tx) -> Snapshot:
    words = Words()
    return Snapshot.from_columns(infos(tx), {kind: _all(tx, kind, words) for kind in KINDS}, words)


def _all(tx: Tx, kind: Kind, words: Words) -> Columns:
    whole = columns(kind, [], words)
    parts = [columns(kind, page, words) for page in pages(tx, kind)]
    for part in parts:
        whole = whole.with_more(part)
    return whole
