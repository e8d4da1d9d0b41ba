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
from pathlib import Path

import msgspec

from openhaven.signals.banks.index import Columns, Words, columns, index, joined
from openhaven.signals.banks.keeping import Keeper, as_index
from openhaven.signals.banks.kept import Kept, Mark, Shelf
from openhaven.signals.banks.model import KINDS, BankInfo, Entry, Kind, Match, Row
from openhaven.signals.banks.snapshot import EMPTY, Bank, Snapshot
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
    return tx.one(
        _ENTRY + "WHERE bank = %(b)s AND sha256(value) = sha256(%(v)s)", Entry, b=bank, v=value
    )


def proposed(tx: Tx, bank: str, limit: int = 200) -> list[Entry]:
    """Return what was proposed as harmless for a bank (by id) and waits for another person."""
    sql = """WHERE bank = %(b)s AND negative AND confirmed_at IS NULL AND withdrawn_at IS NULL
             ORDER BY id LIMIT %(limit)s"""
    return tx.all(_ENTRY + sql, Entry, b=bank, limit=limit)


def entries_before(tx: Tx, bank: str, before: int | None, limit: int) -> list[Entry]:
    """Return entries of a bank (by id), the newest first, living or not; those before an id."""
    sql = """WHERE bank = %(b)s AND (%(before)s::bigint IS NULL OR id < %(before)s)
             ORDER BY id DESC LIMIT %(limit)s"""
    return tx.all(_ENTRY + sql, Entry, b=bank, before=before, limit=limit)


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


def last_change(tx: Tx) -> Mark | None:
    """Return the last line of the log of changes."""
    sql = "SELECT seq, bank, writer::text AS writer FROM bank_changes ORDER BY seq DESC LIMIT 1"
    return tx.one(sql, Mark)


def is_of_this_log(tx: Tx, mark: Mark | None, since: str) -> bool:
    """Say whether the log of changes still has this line and has come to transaction `since`."""
    sql = """SELECT %(since)s::xid8 <= pg_snapshot_xmax(pg_current_snapshot())
               AND EXISTS (SELECT 1 FROM bank_changes WHERE seq = %(seq)s AND bank = %(bank)s
                           AND writer = %(writer)s::xid8)"""
    return mark is not None and bool(
        tx.value(sql, since=since, seq=mark.seq, bank=mark.bank, writer=mark.writer)
    )


class Banks:
    """The banks of this process: a snapshot that is swapped for a newer one. Safe for threads.

    With a `folder`, large banks are kept there in files that all processes of the machine share
    (`kept.py`, `keeping.py`); without one they are in the memory of this process alone.
    """

    def __init__(self, snapshot: Snapshot = EMPTY, folder: Path | None = None) -> None:
        self.snapshot = snapshot
        self._since: str | None = None
        self._seen: frozenset[int] = frozenset()
        self._one = threading.Lock()
        self._keeper = Keeper(Shelf(folder)) if folder else None

    @property
    def trouble(self) -> dict[str, str]:
        """Return, by kind, since when its file could not be written or used, and why."""
        return dict(self._keeper.trouble) if self._keeper else {}

    @property
    def waiting(self) -> dict[str, int]:
        """Return, by kind that has a file, how many changes since are only in memory."""
        return {kind: bank.waiting for kind, bank in self.snapshot.banks.items()
                if bank.keeps and bank.parts.main.kept}  # fmt: skip

    def refresh(self, tx: Tx) -> bool:
        """Take up what was committed since the last time; say whether there was anything.

        The first call reads everything. `tx` should be a reading transaction of its own: what its
        writer might still roll back must not be believed.
        """
        with self._one:
            now, first = horizon(tx), self._since is None
            since = self._taken_up(tx, now)
            news = changes(tx, since)
            fresh = [change for change in news if change.seq not in self._seen]
            if fresh:
                ids = {change.entry for change in fresh if change.entry is not None}
                self.snapshot = self.snapshot.changed(infos(tx), ids, living(tx, ids))
            self._since = now
            self._seen = frozenset(change.seq for change in news)
            if self._keeper and not first:  # a process that only looks something up builds nothing
                self._keep(tx, self._keeper, now)
            return first or bool(fresh)

    def match(self, kind: Kind, value: bytes) -> list[Match]:
        """Return the matches of one value now, nearest first."""
        return self.snapshot.match(kind, value)

    def _taken_up(self, tx: Tx, now: str) -> str:
        """Take up newer files, at first all; return from which transaction on to read changes."""
        made = self._keeper.newer() if self._keeper else {}
        usable = {kind: kept for kind, kept in made.items() if self._usable(tx, kind, kept)}
        banks = dict(self.snapshot.banks)
        known = {info.id: info for info in infos(tx)} if usable or self._since is None else {}
        if self._since is None:
            words = Words()
            keeps = self._keeper is not None
            for kind in KINDS:
                if kind not in usable:
                    main = index(kind, _all(tx, kind, words), lay=not keeps)
                    banks[kind] = Bank.of(kind, known, words, main, keeps=keeps)
        for kind, kept in usable.items():
            banks[kind] = Bank.of(kind, known, kept.words, as_index(kind, kept), keeps=True)
        if usable:
            self._seen = frozenset()
        if usable or self._since is None:
            self.snapshot = Snapshot(known.values(), banks)
        return str(
            min(int(one) for one in (self._since or now, *(k.since for k in usable.values())))
        )

    def _keep(self, tx: Tx, keeper: Keeper, now: str) -> None:
        due = [bank for bank in self.snapshot.banks.values()
               if bank.due or (bank.kind in keeper.trouble and bank.is_large)]  # fmt: skip
        if due:
            keeper.keep(due, now, last_change(tx))

    def _usable(self, tx: Tx, kind: Kind, kept: Kept) -> bool:
        if is_of_this_log(tx, kept.mark, kept.since):
            return True
        if self._keeper:
            self._keeper.refuse(kind, "it was made from another database, or a later state of it")
        return False


def _all(tx: Tx, kind: Kind, words: Words) -> Columns:
    parts = [columns(kind, page, words) for page in pages(tx, kind)]
    return joined([columns(kind, [], words), *parts])
