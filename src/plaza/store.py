"""Plaza's own state: one SQLite file, opened once per thread, and everything that is read from it.

Nothing is ever deleted by an act: what is hidden is worked out from the acts in force, so taking
an act back restores exactly what was there.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from plaza.openhaven import OUTBOX, Subject

T = TypeVar("T")

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  age_band TEXT NOT NULL,
  country TEXT NOT NULL,
  language TEXT NOT NULL,
  about TEXT NOT NULL DEFAULT '',
  generated INTEGER NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
  digest BLOB PRIMARY KEY,
  account TEXT NOT NULL REFERENCES accounts,
  created_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS items (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL CHECK (type IN ('post', 'comment', 'message')),
  account TEXT NOT NULL REFERENCES accounts,
  parent TEXT REFERENCES items (id),
  recipient TEXT REFERENCES accounts,
  text TEXT NOT NULL,
  language TEXT NOT NULL,
  picture TEXT,
  picture_type TEXT,
  alt TEXT NOT NULL DEFAULT '',
  media TEXT,
  planted TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL CHECK (state IN ('checking', 'live', 'unreadable', 'deleted')),
  created_at TEXT NOT NULL,
  edited_at TEXT,
  event TEXT NOT NULL,
  asked_at TEXT,
  outcome TEXT,
  clause TEXT,
  help TEXT NOT NULL DEFAULT '[]',
  decision TEXT,
  answered_at TEXT,
  refusal TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS items_stream ON items (type, seq);
CREATE INDEX IF NOT EXISTS items_parent ON items (parent, seq);
CREATE INDEX IF NOT EXISTS items_account ON items (account, seq);
CREATE TABLE IF NOT EXISTS acts (
  id TEXT PRIMARY KEY,
  verb TEXT NOT NULL,
  item TEXT,
  account TEXT,
  decision TEXT NOT NULL,
  until TEXT,
  reverses TEXT,
  body BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('received', 'done', 'failed')),
  reason TEXT,
  received_at TEXT NOT NULL,
  ended_by TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS acts_item ON acts (item);
CREATE INDEX IF NOT EXISTS acts_account ON acts (account);
CREATE INDEX IF NOT EXISTS acts_decision ON acts (decision);
CREATE TABLE IF NOT EXISTS notices (
  seq INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  decision TEXT NOT NULL,
  clause TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  appeal_url TEXT,
  help TEXT NOT NULL,
  at TEXT NOT NULL,
  read_at TEXT,
  appealed_at TEXT,
  UNIQUE (decision, title, text)
) STRICT;
CREATE INDEX IF NOT EXISTS notices_account ON notices (account, seq);
CREATE INDEX IF NOT EXISTS items_decision ON items (decision);
CREATE TABLE IF NOT EXISTS reports (
  id TEXT PRIMARY KEY,
  reporter TEXT NOT NULL REFERENCES accounts,
  item TEXT,
  account TEXT,
  category TEXT NOT NULL,
  text TEXT NOT NULL,
  created_at TEXT NOT NULL,
  receipt TEXT,
  status_url TEXT,
  state TEXT NOT NULL DEFAULT 'sending',
  outcome TEXT,
  help TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX IF NOT EXISTS reports_reporter ON reports (reporter, created_at);
CREATE TABLE IF NOT EXISTS contacts (
  account TEXT NOT NULL REFERENCES accounts,
  other TEXT NOT NULL REFERENCES accounts,
  state TEXT NOT NULL CHECK (state IN ('asked', 'accepted', 'blocked')),
  at TEXT NOT NULL,
  PRIMARY KEY (account, other)
) STRICT;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE VIEW IF NOT EXISTS in_force AS
  SELECT * FROM acts WHERE state = 'done' AND ended_by IS NULL
  AND (until IS NULL OR until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
CREATE VIEW IF NOT EXISTS shown AS
  SELECT i.*, a.name AS author, a.generated AS generated,
    (SELECT min(verb) FROM in_force f
      WHERE f.item = i.id AND verb IN ('block', 'remove')) AS hidden,
    EXISTS (SELECT 1 FROM in_force f
      WHERE verb = 'restrict' AND (f.item = i.id OR f.account = i.account)) AS restricted,
    EXISTS (SELECT 1 FROM acts x WHERE x.item = i.id AND x.state = 'done'
      AND verb IN ('restore', 'unblock', 'unrestrict')) AS restored,
    coalesce((SELECT n.clause FROM notices n WHERE n.decision = i.decision OR n.decision IN
      (SELECT x.decision FROM acts x WHERE x.item = i.id) ORDER BY n.seq DESC LIMIT 1),
      replace(i.clause, '-', ' ')) AS rule,
    (SELECT count(*) FROM items c WHERE c.parent = i.id AND c.state = 'live') AS comments
  FROM items i JOIN accounts a ON a.id = i.account;
"""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A persona: somebody made up."""

    id: str
    name: str
    age_band: str
    country: str
    language: str
    about: str = ""
    generated: int = 0
    created_at: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A post, comment or message as it stands now: what was said about it, and what is in force."""

    seq: int
    id: str
    type: str
    account: str
    parent: str | None
    recipient: str | None
    text: str
    language: str
    picture: str | None
    picture_type: str | None
    alt: str
    media: str | None
    planted: str
    state: str
    created_at: str
    edited_at: str | None
    event: str
    asked_at: str | None
    outcome: str | None
    clause: str | None
    help: str
    decision: str | None
    answered_at: str | None
    refusal: str | None
    author: str
    generated: int
    hidden: str | None
    restricted: int
    restored: int
    rule: str | None
    comments: int

    @property
    def standing(self) -> str:
        """One word for where it stands, for the person who wrote it and for the page."""
        if self.state != "live":
            return self.state
        if self.hidden:
            return "blocked" if self.hidden == "block" else "removed"
        if self.restricted:
            return "restricted"
        if self.restored:
            return "restored"
        return "review" if self.outcome == "review" else "live"

    @property
    def public(self) -> bool:
        """Whether others may see its text, be it behind a notice."""
        return self.state == "live" and not self.hidden

    @property
    def topics(self) -> list[str]:
        """The help topics that the verdict named."""
        return msgspec.json.decode(self.help, type=list[str])


class ActRow(msgspec.Struct, frozen=True, kw_only=True):
    """An act as it was received, and what became of it."""

    id: str
    verb: str
    item: str | None
    account: str | None
    decision: str
    until: str | None
    reverses: str | None
    body: bytes
    state: str
    reason: str | None
    received_at: str
    ended_by: str | None


class NoticeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message in somebody's mailbox."""

    seq: int
    account: str
    decision: str
    clause: str
    title: str
    text: str
    appeal_url: str | None
    help: str
    at: str
    read_at: str | None
    appealed_at: str | None

    @property
    def paragraphs(self) -> list[str]:
        """The text without the appeal's address, which has a button of its own."""
        parts = self.text.split("\n\n")
        return [part for part in parts if not (self.appeal_url and self.appeal_url in part)]

    @property
    def topics(self) -> list[str]:
        """The help topics that go with it."""
        return msgspec.json.decode(self.help, type=list[str])


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody reported, and its receipt once Openhaven has it."""

    id: str
    reporter: str
    item: str | None
    account: str | None
    category: str
    text: str
    created_at: str
    receipt: str | None
    status_url: str | None
    state: str
    outcome: str | None
    help: str

    @property
    def topics(self) -> list[str]:
        """The help topics that came with the outcome."""
        return msgspec.json.decode(self.help, type=list[str])


def now() -> str:
    """Return the present moment as it is stored: UTC, milliseconds, sortable as text."""
    return stamp(datetime.now(UTC))


def stamp(moment: datetime) -> str:
    """Return an aware moment as it is stored."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
    """Return the newest posts, older than `before`, but not what never was published."""
    return store.all(
        Item,
        "SELECT * FROM shown WHERE type = 'post' AND seq < ? AND state = 'live'"
        " AND hidden IS NOT 'block' ORDER BY seq DESC LIMIT ?",
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
        NoticeRow, "SELECT * FROM notices WHERE account = ? ORDER BY seq DESC LIMIT 200", id_
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


class Waiting(msgspec.Struct, frozen=True):
    """A letter in the outbox."""

    id: str
    kind: str
    about: str
    attempts: int
    last_error: str | None
    refused: int


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
