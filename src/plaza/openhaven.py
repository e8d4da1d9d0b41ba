"""How a platform talks to Openhaven. Copy this file: it is the whole integration.

Three promises, one part each:

- `Openhaven` asks and tells, and says plainly whether to try again (`Unreachable`) or not
  (`Refused`).
- `Outbox` keeps what must arrive in your own database, written in the same transaction as the
  change it speaks of, and sends until it is answered. An outage or a crash on either side loses
  nothing.
- `signed_act` believes a webhook only if its signature and its time are right.

It needs `urllib3`, `msgspec`, `standardwebhooks` and a database with transactions (SQLite here).
"""

import random
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from threading import Event
from time import time
from typing import Literal, NamedTuple, Protocol, TypeVar

import msgspec
import urllib3
from standardwebhooks import Webhook, WebhookVerificationError

T = TypeVar("T")

# What Openhaven says ------------------------------------------------------------------------


class Reason(msgspec.Struct, frozen=True):
    """A rule that matched, and the clause of the policy that it serves."""

    rule: str
    clause: str


class Verdict(msgspec.Struct, frozen=True):
    """What the rules said about one event. `block` means: do not publish it.

    `hold` means: not until an act takes the one of this decision back, or a day is over.
    """

    event: str
    outcome: Literal["allow", "review", "restrict", "remove", "block"]
    reasons: tuple[Reason, ...] = ()
    help: tuple[str, ...] = ()
    decision: str | None = None
    hold: bool = False


class Subject(msgspec.Struct, frozen=True):
    """An item or an account, in your own ids."""

    item: str | None = None
    account: str | None = None


class Act(msgspec.Struct, frozen=True):
    """Something that you are asked to carry out. `reverses` names the act that it takes back.

    `measure` says how something is restricted; empty: in your own way.
    """

    id: str
    verb: str
    subject: Subject
    decision: str
    until: datetime | None = None
    reverses: str | None = None
    measure: str = ""


class Notice(msgspec.Struct, frozen=True):
    """The message to the person whom a decision is about, with the link to contest it."""

    title: str
    text: str
    appeal_url: str | None = None
    help: tuple[str, ...] = ()


class Receipt(msgspec.Struct, frozen=True):
    """The answer to a report: the code that its state can be asked with."""

    receipt: str
    status_url: str = ""


class ReportState(msgspec.Struct, frozen=True):
    """What became of a report so far."""

    state: str
    decided_at: str | None = None
    outcome: str | None = None
    help: tuple[str, ...] = ()


class Statement(msgspec.Struct, frozen=True):
    """Why something was decided: the clause (`title`, `text`), and the message to the person."""

    clause: dict[str, str] = {}
    notice: Notice | None = None


class _Problem(msgspec.Struct, frozen=True):
    title: str = ""
    detail: str = ""


class Unreachable(Exception):  # noqa: N818 - it is news, not a mistake
    """No answer, or one that asks for patience: try again later with the same id and body."""


class Refused(Exception):  # noqa: N818
    """An answer that will not change by asking again; its text says why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why or f"status {status}")
        self.status = status


# Asking and telling -------------------------------------------------------------------------


class Openhaven:
    """One Openhaven, reached with one key. Safe to share between threads."""

    def __init__(self, url: str, key: str, seconds: float = 5.0) -> None:
        self.url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {key}"}
        timeout = urllib3.Timeout(connect=2.0, read=seconds)
        self._http = urllib3.PoolManager(maxsize=8, timeout=timeout, retries=False)

    def post(self, path: str, body: bytes, content_type: str) -> tuple[int, bytes]:
        """Send `body`; return the status (200 to 299) and the bytes of the answer."""
        return self._call("POST", path, body, {"content-type": content_type})

    def statement(self, decision: str) -> Statement:
        """Return the statement of reasons of a decision about something on your platform."""
        return read(self._call("GET", f"/v1/decisions/{decision}/statement")[1], Statement)

    def report(self, receipt: str) -> ReportState:
        """Return what became of the report with this receipt."""
        return read(self._call("GET", f"/v1/reports/{receipt}")[1], ReportState)

    def _call(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        try:
            answer = self._http.request(
                method, self.url + path, body=body, headers={**self._headers, **(headers or {})}
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(type(error).__name__) from error
        if 200 <= answer.status < 300:
            return answer.status, answer.data
        # A wrong key is for the operator to mend, and must not cost a single event until then.
        if answer.status >= 500 or answer.status in (401, 403, 408, 425, 429):
            raise Unreachable(f"status {answer.status}")
        raise Refused(answer.status, _why(answer.data))


def read(body: bytes, kind: type[T]) -> T:
    """Return `body` as a value of this kind; an answer of another shape counts as no answer."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Unreachable(f"unreadable answer: {error}") from error


def _why(body: bytes) -> str:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        return ""
    return f"{problem.title} {problem.detail}".strip()


# What must arrive ---------------------------------------------------------------------------

OUTBOX = """
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  about TEXT NOT NULL,
  path TEXT NOT NULL,
  body BLOB NOT NULL,
  content_type TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at REAL NOT NULL,
  last_error TEXT,
  refused INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (next_at, seq) WHERE NOT refused;
CREATE INDEX IF NOT EXISTS outbox_about ON outbox (about, seq);
"""
_COLUMNS = "id, kind, about, path, body, content_type, attempts"
_LEASE = 30.0
_LONGEST_PAUSE = 60.0


class Letter(NamedTuple):
    """A call that must arrive. `kind` and `about` tell you later what its answer belongs to."""

    id: str
    kind: str
    about: str
    path: str
    body: bytes
    content_type: str = "application/json"
    attempts: int = 0


class Reader(Protocol):
    """Your side: called within the transaction that also crosses the letter off."""

    def answered(self, db: sqlite3.Connection, letter: Letter, body: bytes) -> None:
        """Openhaven has it, and this is what it said."""

    def refused(self, db: sqlite3.Connection, letter: Letter, why: str) -> None:
        """Openhaven will never take it; the letter stays in the outbox for a person to see."""


class Outbox:
    """Letters in your own database. `begin` opens one of its transactions."""

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[sqlite3.Connection]],
        haven: Openhaven,
        reader: Reader,
    ) -> None:
        self._begin = begin
        self._haven = haven
        self._reader = reader

    @staticmethod
    def put(db: sqlite3.Connection, letter: Letter, *, at_once: bool = False) -> None:
        """Keep the letter, in your transaction. `at_once`: you will `send` it right after."""
        db.execute(
            "INSERT OR IGNORE INTO outbox (id, kind, about, path, body, content_type, next_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*letter[:6], time() + (_LEASE if at_once else 0)),
        )

    def send(self, letter: Letter) -> bool:
        """Send once; say whether it is settled. If not, it is sent again later by itself."""
        try:
            status, body = self._haven.post(letter.path, letter.body, letter.content_type)
            if status == 202 and letter.path.endswith("wait=verdict"):
                # It is safe there. Asking again with the same id and body brings the verdict.
                raise Unreachable("accepted, no verdict yet")
            with self._begin() as db:
                if db.execute("DELETE FROM outbox WHERE id = ?", (letter.id,)).rowcount:
                    self._reader.answered(db, letter, body)
        except Unreachable as error:
            self._later(letter, str(error))
            return False
        except Refused as error:
            with self._begin() as db:
                db.execute(
                    "UPDATE outbox SET refused = 1, last_error = ? WHERE id = ?",
                    (str(error), letter.id),
                )
                self._reader.refused(db, letter, str(error))
        return True

    def about(self, about: str) -> Letter | None:
        """Return the oldest letter about this that still waits, or None."""
        with self._begin() as db:
            row = db.execute(
                f"SELECT {_COLUMNS} FROM outbox"  # noqa: S608 - names of our own
                " WHERE about = ? AND NOT refused ORDER BY seq LIMIT 1",
                (about,),
            ).fetchone()
        return Letter(*row) if row else None

    def run(self, stop: Event) -> None:
        """Send what is due, oldest first, until `stop` is set. One thread of yours does this."""
        with self._begin() as db:  # whoever held a lease has died with the last process
            db.execute("UPDATE outbox SET next_at = 0 WHERE NOT refused")
        while not stop.is_set():
            letter = self._take()
            if letter is None:
                stop.wait(0.15)
            else:
                self.send(letter)

    def _take(self) -> Letter | None:
        with self._begin() as db:
            row = db.execute(
                "UPDATE outbox SET next_at = ? WHERE seq = (SELECT seq FROM outbox"  # noqa: S608
                " WHERE NOT refused AND next_at <= ? ORDER BY next_at, seq LIMIT 1)"
                f" RETURNING {_COLUMNS}",
                (time() + _LEASE, time()),
            ).fetchone()
        return Letter(*row) if row else None

    def _later(self, letter: Letter, why: str) -> None:
        pause = min(_LONGEST_PAUSE, 2.0**letter.attempts) * random.uniform(0.5, 1)  # noqa: S311
        with self._begin() as db:
            db.execute(
                "UPDATE outbox SET attempts = attempts + 1, next_at = ?, last_error = ?"
                " WHERE id = ?",
                (time() + pause, why, letter.id),
            )


# What arrives -------------------------------------------------------------------------------


class Forged(Exception):  # noqa: N818
    """A webhook whose signature is missing or wrong, or that is older than five minutes."""


def signed_act(secret: str, headers: Mapping[str, str], body: bytes) -> Act:
    """Return the act in a webhook (Standard Webhooks 1.0).

    Raises `Forged` (answer 401) or `ValueError` for what is signed but no act (answer 400).
    """
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        raise Forged(str(error)) from error
    act = msgspec.json.decode(body, type=Act)
    if act.id != headers.get("webhook-id"):
        raise ValueError("The message's id is not the act's.")
    return act
