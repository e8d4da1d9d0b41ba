"""Plaza's own state: one SQLite file, opened once per thread, and everything that is read from it.

Nothing is ever deleted by an act: what is hidden is worked out from the acts in force, so taking
an act back restores exactly what was there.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from plaza.model import Account, ActRow, Deed, Item, NoticeRow, Report, Waiting
from plaza.openhaven import OUTBOX, Subject
from plaza.schema import SCHEMA

T = TypeVar("T")


class Store:
    """The database and the folder of pictures under `home`. Safe to share between threads."""

    def __init__(self, home: Path) -> None:
        self.pictures = home / "pictures"
        self.pictures.mkdir(parents=True, exist_ok=True)
        self._path = home / "plaza.sqlite"
        self._local = threading.local()
        db = self._connection()
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(OUTBOX + SCHEMA)

    @contextmanager
    def begin(self) -> Iterator[sqlite3.Connection]:
        """Open one writing transaction: all of it is on disk afterwards, or none of it."""
        db = self._connection()
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def all(self, kind: type[T], sql: str, *values: Any) -> list[T]:
        """Return every row of a query as a value of this kind."""
        found = self._connection().execute(sql, values)
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found]
        return msgspec.convert(rows, list[kind])  # type: ignore[valid-type]

    def one(self, kind: type[T], sql: str, *values: Any) -> T | None:
        """Return the first row of a query as a value of this kind, or None."""
        return next(iter(self.all(kind, sql, *values)), None)

    def value(self, sql: str, *values: Any) -> Any:
        """Return the first column of the first row, or None."""
        row = self._connection().execute(sql, values).fetchone()
        return row[0] if row else None

    def _connection(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = sqlite3.connect(self._path, isolation_level=None, timeout=10)
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA cache_size = -1000")
            self._local.db = db
        return db


# Named questions ----------------------------------------------------------------------------


def account(store: Store, id_: str) -> Account | None:
    """Return one persona."""
    return store.one(Account, "SELECT * FROM accounts WHERE id = ?", id_)


def accounts(store: Store) -> list[Account]:
    """Return every persona, those of the generator last."""
    return store.all(Account, "SELECT * FROM accounts ORDER BY generated, name LIMIT 100")


def item(store: Store, id_: str) -> Item | None:
    """Return one post, comment or message."""
    return store.one(Item, "SELECT * FROM shown WHERE id = ?", id_)


def stream(store: Store, before: int, size: int) -> list[Item]:
    """Return the newest posts, older than `before`: published, and not shown to fewer."""
    return store.all(
        Item,
        "SELECT * FROM shown WHERE type = 'post' AND seq < ? AND state = 'live'"
        " AND (hidden IS NULL OR hidden = 'remove')"
        " AND coalesce(measures, '') NOT LIKE '%demote%' ORDER BY seq DESC LIMIT ?",
        before,
        size,
    )


def by_account(store: Store, id_: str, size: int = 50) -> list[Item]:
    """Return what one persona wrote for everybody, newest first, whatever became of it."""
    return store.all(
        Item,
        "SELECT * FROM shown WHERE account = ? AND type IN ('post', 'comment')"
        " ORDER BY seq DESC LIMIT ?",
        id_,
        size,
    )


def comments(store: Store, post: str) -> list[Item]:
    """Return the comments on a post, oldest first."""
    return store.all(
        Item,
        "SELECT * FROM shown WHERE parent = ? AND state <> 'deleted' ORDER BY seq LIMIT 200",
        post,
    )


def thread(store: Store, one: str, other: str) -> list[Item]:
    """Return the newest 200 messages between two personas, oldest first."""
    found = store.all(
        Item,
        "SELECT * FROM shown WHERE type = 'message' AND state <> 'deleted' AND"
        " ((account = ?1 AND recipient = ?2) OR (account = ?2 AND recipient = ?1))"
        " ORDER BY seq DESC LIMIT 200",
        one,
        other,
    )
    return found[::-1]


def partners(store: Store, id_: str) -> list[Account]:
    """Return whom a persona has written with, latest first."""
    return store.all(
        Account,
        "SELECT a.* FROM accounts a JOIN (SELECT CASE WHEN account = ?1 THEN recipient"
        " ELSE account END AS other, max(seq) AS latest FROM items WHERE type = 'message'"
        " AND (account = ?1 OR recipient = ?1) GROUP BY other) m ON m.other = a.id"
        " ORDER BY m.latest DESC",
        id_,
    )


def acts_about(store: Store, item_: Item) -> list[ActRow]:
    """Return the acts on an item, and those on an account under the same decisions, in order."""
    return store.all(
        ActRow,
        "SELECT * FROM acts WHERE item = ?1 OR decision IN"
        " (SELECT decision FROM acts WHERE item = ?1 UNION SELECT ?2) ORDER BY received_at, id",
        item_.id,
        item_.decision,
    )


def notices_of(store: Store, id_: str) -> list[NoticeRow]:
    """Return somebody's mailbox, newest first."""
    return store.all(
        NoticeRow,
        "SELECT n.*, coalesce((SELECT id FROM items WHERE decision = n.decision),"
        " (SELECT item FROM acts WHERE decision = n.decision AND item IS NOT NULL LIMIT 1)) AS item"
        " FROM notices n WHERE account = ? ORDER BY seq DESC LIMIT 200",
        id_,
    )


def notices_under(store: Store, decisions: set[str]) -> list[NoticeRow]:
    """Return the notices under these decisions, in order."""
    marks = ", ".join("?" * len(decisions))
    return store.all(
        NoticeRow,
        f"SELECT * FROM notices WHERE decision IN ({marks}) ORDER BY seq",  # noqa: S608 - marks only
        *sorted(decisions),
    )


def suspended(store: Store, id_: str) -> ActRow | None:
    """Return the act that locks this account, if one is in force."""
    return store.one(
        ActRow,
        "SELECT * FROM in_force WHERE account = ? AND verb IN ('suspend', 'block') LIMIT 1",
        id_,
    )


def relation(store: Store, one: str, other: str) -> str:
    """Return how `one` stands to `other`: asked, accepted, blocked or nothing."""
    return (
        store.value("SELECT state FROM contacts WHERE account = ? AND other = ?", one, other) or ""
    )


def planted(store: Store) -> list[Item]:
    """Return what the generator planted, newest first."""
    return store.all(
        Item, "SELECT * FROM shown WHERE planted <> '' AND type = 'post' ORDER BY seq DESC LIMIT 24"
    )


def reported_at(store: Store, subject: Subject) -> str | None:
    """Return when an item or an account was first reported, if ever."""
    at: str | None = store.value(
        "SELECT min(created_at) FROM reports WHERE item = ? OR account = ?",
        subject.item,
        subject.account,
    )
    return at


def reports_of(store: Store, id_: str) -> list[Report]:
    """Return what a persona has reported, newest first."""
    return store.all(
        Report, "SELECT * FROM reports WHERE reporter = ? ORDER BY created_at DESC LIMIT 50", id_
    )


def report(store: Store, id_: str) -> Report | None:
    """Return one report."""
    return store.one(Report, "SELECT * FROM reports WHERE id = ?", id_)


def session(store: Store, digest: bytes) -> Account | None:
    """Return whose session this is."""
    return store.one(
        Account,
        "SELECT a.* FROM sessions s JOIN accounts a ON a.id = s.account WHERE s.digest = ?",
        digest,
    )


def unread(store: Store, id_: str) -> int:
    """Return how many notices somebody has not seen yet."""
    count: int = store.value(
        "SELECT count(*) FROM notices WHERE account = ? AND read_at IS NULL", id_
    )
    return count


def latest_acts(store: Store, size: int = 15) -> list[ActRow]:
    """Return the acts that arrived last, newest first."""
    return store.all(
        ActRow,
        "SELECT * FROM acts WHERE id NOT LIKE 'verdict:%' ORDER BY received_at DESC, id DESC"
        " LIMIT ?",
        size,
    )


def waiting(store: Store, size: int = 20) -> list[Waiting]:
    """Return letters that have no answer yet or were refused, those in trouble first."""
    return store.all(
        Waiting,
        "SELECT id, kind, about, attempts, last_error, refused FROM outbox"
        " ORDER BY refused DESC, attempts DESC, seq LIMIT ?",
        size,
    )


def fact(store: Store, name: str) -> str:
    """Return a fact about Plaza itself, or ''."""
    return store.value("SELECT value FROM facts WHERE name = ?", name) or ""


_DEEDS = (
    "SELECT d.*, o.name AS name, a.name AS by FROM deeds d JOIN accounts a ON a.id = d.account"
    " LEFT JOIN accounts o ON o.id = d.other"
)


def deed(store: Store, seq: int) -> Deed | None:
    """Return one thing that was tried."""
    return store.one(Deed, f"{_DEEDS} WHERE d.seq = ?", seq)


def deeds_by(store: Store, id_: str) -> list[Deed]:
    """Return what somebody tried lately, the newest first."""
    return store.all(Deed, f"{_DEEDS} WHERE d.account = ? ORDER BY d.seq DESC LIMIT 10", id_)


def deeds_told(store: Store, id_: str) -> list[Deed]:
    """Return what somebody is told that others tried with them, the newest first."""
    return store.all(
        Deed, f"{_DEEDS} WHERE d.other = ? AND d.told <> '' ORDER BY d.seq DESC LIMIT 10", id_
    )
