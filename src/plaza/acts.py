"""What Openhaven asks Plaza to do: kept first, carried out next, reported last.

An act is never applied to the words themselves. It is a row that is in force until another act
ends it or its time is over, so that taking it back restores exactly what was there.
"""

import sqlite3
from threading import Event
from time import monotonic

import msgspec

from plaza.model import ActRow, now, stamp
from plaza.openhaven import Act, Letter, Notice, Openhaven, Outbox, Refused, Statement, Unreachable
from plaza.store import Store

EFFECTS = ("remove", "block", "restrict", "suspend")
UNDOES = {"restore": "remove", "unblock": "block", "unrestrict": "restrict", "unsuspend": "suspend"}
MESSAGES = ("notify", "warn")
_LONGEST_PAUSE = 30.0


class Conflict(Exception):  # noqa: N818
    """The id of this act was used for another one."""


class Acts:
    """The acts that have arrived, and one thread that carries them out."""

    def __init__(self, store: Store, haven: Openhaven) -> None:
        self._store = store
        self._haven = haven
        self._arrived = Event()
        self._pauses: dict[str, tuple[float, float]] = {}

    def receive(self, act: Act) -> None:
        """Keep the act; the same one again changes nothing. Raises `Conflict` for another."""
        body = msgspec.json.encode(act)
        with self._store.begin() as db:
            db.execute(
                "INSERT OR IGNORE INTO acts (id, verb, item, account, decision, until, reverses,"
                " body, state, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'received', ?)",
                (act.id, act.verb, act.subject.item, act.subject.account, act.decision,
                 stamp(act.until) if act.until else None, act.reverses, body, now()),
            )  # fmt: skip
            kept = db.execute("SELECT body FROM acts WHERE id = ?", (act.id,)).fetchone()
        if kept[0] != body:
            raise Conflict(act.id)
        self._arrived.set()

    def run(self, stop: Event) -> None:
        """Carry out what has arrived, in order, until `stop` is set. One thread does this."""
        while not stop.is_set():
            self._arrived.clear()
            for row in self._waiting():
                self._try(row)
            self._arrived.wait(0.15)

    def _waiting(self) -> list[ActRow]:
        rows = self._store.all(
            ActRow, "SELECT * FROM acts WHERE state = 'received' ORDER BY received_at, id LIMIT 100"
        )
        return [row for row in rows if self._pauses.get(row.id, (0.0, 0.0))[0] <= monotonic()]

    def _try(self, row: ActRow) -> None:
        try:
            said = self._haven.statement(row.decision) if row.verb in MESSAGES else Statement()
        except Unreachable:
            pause = min(_LONGEST_PAUSE, 2 * self._pauses.get(row.id, (0.0, 0.25))[1])
            self._pauses[row.id] = monotonic() + pause, pause
            return
        except Refused as problem:
            with self._store.begin() as db:
                _finish(db, row, "failed", str(problem))
            return
        with self._store.begin() as db:
            carry_out(db, row, said)
        self._pauses.pop(row.id, None)


def carry_out(db: sqlite3.Connection, row: ActRow, said: Statement) -> None:
    """Do what one kept act says, and write the letter that reports it. All in one transaction."""
    if row.verb not in (*EFFECTS, *UNDOES, *MESSAGES):
        _finish(db, row, "failed", f"Plaza does not know how to {row.verb}.")
    elif _gone(db, row):
        _finish(db, row, "done", "already gone")
    else:
        if row.verb in UNDOES:
            _take_back(db, row)
        elif said.notice:
            _deliver(db, row, said.notice, said.clause.get("title", ""))
        _finish(db, row, "done", None)
        if row.verb in EFFECTS:
            _take_the_place_of_the_verdict(db, row)


def _gone(db: sqlite3.Connection, row: ActRow) -> bool:
    if row.item is None:
        return not db.execute("SELECT 1 FROM accounts WHERE id = ?", (row.account,)).fetchone()
    found = db.execute("SELECT state FROM items WHERE id = ?", (row.item,)).fetchone()
    # A person may be told about words that they have deleted since.
    return found is None or (found[0] == "deleted" and row.verb not in MESSAGES)


def _take_back(db: sqlite3.Connection, row: ActRow) -> None:
    """End the act that is reversed; without its name, all of its kind on this subject."""
    db.execute(
        "UPDATE acts SET ended_by = ?1 WHERE ended_by IS NULL AND (id = ?2 OR"
        " (item IS ?3 AND account IS ?4 AND verb = ?5 AND (?2 IS NULL OR id LIKE 'verdict:%')))",
        (row.id, row.reverses, row.item, row.account, UNDOES[row.verb]),
    )
    _let_go(db, row, own=True)


def _take_the_place_of_the_verdict(db: sqlite3.Connection, row: ActRow) -> None:
    db.execute(
        "UPDATE acts SET ended_by = ? WHERE id LIKE 'verdict:%' AND ended_by IS NULL"
        " AND item = ? AND (verb = ? OR ? IN ('block', 'remove'))",
        (row.id, row.item, row.verb, row.verb),
    )
    _let_go(db, row, own=False)
    # Webhooks may overtake each other: the act that takes this one back can be here already.
    db.execute(
        "UPDATE acts SET ended_by = (SELECT id FROM acts r WHERE r.reverses = ?1)"
        " WHERE id = ?1 AND ended_by IS NULL",
        (row.id,),
    )


def _let_go(db: sqlite3.Connection, row: ActRow, *, own: bool) -> None:
    """End what a verdict holds back: its own decision ends it, or another one takes its place."""
    db.execute(
        "UPDATE acts SET ended_by = ? WHERE verb = 'hold' AND ended_by IS NULL AND item = ?"
        " AND (decision = ?) = ?",
        (row.id, row.item, row.decision, own),
    )


def _deliver(db: sqlite3.Connection, row: ActRow, notice: Notice, clause: str) -> None:
    owner = row.account
    if owner is None:
        owner = db.execute("SELECT account FROM items WHERE id = ?", (row.item,)).fetchone()[0]
    db.execute(
        "INSERT OR IGNORE INTO notices (account, decision, clause, title, text, appeal_url, help,"
        " at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (owner, row.decision, clause, notice.title, notice.text, notice.appeal_url,
         msgspec.json.encode(notice.help).decode(), now()),
    )  # fmt: skip


def _finish(db: sqlite3.Connection, row: ActRow, state: str, reason: str | None) -> None:
    db.execute("UPDATE acts SET state = ?, reason = ? WHERE id = ?", (state, reason, row.id))
    outcome = {"state": state, "reason": reason} if reason else {"state": state}
    path = f"/v1/acts/{row.id}/outcome"
    letter = Letter(f"outcome-{row.id}", "outcome", row.id, path, msgspec.json.encode(outcome))
    Outbox.put(db, letter)
