"""What Openhaven's answers change on Plaza: the other half of every letter."""

import sqlite3
from datetime import UTC, datetime, timedelta

import msgspec

from plaza.actions import question
from plaza.model import now, stamp
from plaza.openhaven import Letter, Outbox, Receipt, Verdict, read
from plaza.store import Store

# Outcomes that take effect at once; the act that follows by webhook takes their place.
AT_ONCE = ("block", "remove", "restrict")


class _Media(msgspec.Struct, frozen=True):
    id: str


class Answers:
    """The `Reader` of the outbox. Everything happens in the transaction it is called in."""

    def __init__(self, store: Store, url: str) -> None:
        self._store = store
        self._url = url

    def answered(self, db: sqlite3.Connection, letter: Letter, body: bytes) -> None:
        """Store what the answer says about the thing that the letter was about."""
        if letter.kind == "media":
            self._media(db, letter.about, read(body, _Media).id)
        elif letter.kind == "question":
            self._verdict(db, letter, read(body, Verdict))
        elif letter.kind == "report":
            receipt = read(body, Receipt)
            db.execute(
                "UPDATE reports SET state = 'received', receipt = ?, status_url = ? WHERE id = ?",
                (receipt.receipt, receipt.status_url, letter.about),
            )

    def refused(self, db: sqlite3.Connection, letter: Letter, why: str) -> None:
        """Openhaven cannot read it: an item stays unpublished, and its author is told."""
        if letter.kind in ("media", "question"):
            db.execute(
                "UPDATE items SET state = 'unreadable', refusal = ? WHERE id = ?"
                " AND state <> 'deleted'",
                (why, letter.about),
            )
        elif letter.kind == "report":
            db.execute("UPDATE reports SET state = 'refused' WHERE id = ?", (letter.about,))

    def _media(self, db: sqlite3.Connection, id_: str, media: str) -> None:
        db.execute("UPDATE items SET media = ? WHERE id = ?", (media, id_))
        Outbox.put(db, question(self._store, id_, self._url))

    def _verdict(self, db: sqlite3.Connection, letter: Letter, verdict: Verdict) -> None:
        clause = verdict.reasons[0].clause if verdict.reasons else None
        help_ = msgspec.json.encode(verdict.help).decode()
        current = db.execute(
            "UPDATE items SET outcome = ?, clause = ?, help = ?, decision = ?, answered_at = ?,"
            " state = CASE state WHEN 'checking' THEN 'live' ELSE state END"
            " WHERE id = ? AND event = ?",
            (_word(verdict), clause, help_, verdict.decision, now(), letter.about, letter.id),
        ).rowcount
        if current and verdict.hold:
            _hold(db, letter.about, verdict)
        if current and verdict.outcome in AT_ONCE:
            self._at_once(db, letter.about, verdict)

    def _at_once(self, db: sqlite3.Connection, id_: str, verdict: Verdict) -> None:
        """Do what the verdict says now, unless its act has come already."""
        db.execute(
            "INSERT OR IGNORE INTO acts (id, verb, item, decision, body, state, received_at)"
            " SELECT ?, ?, ?, ?, x'', 'done', ? WHERE NOT EXISTS"
            " (SELECT 1 FROM acts WHERE item = ? AND decision = ?)",
            (f"verdict:{verdict.event}", verdict.outcome, id_, verdict.decision or "", now(),
             id_, verdict.decision or ""),
        )  # fmt: skip


def _word(verdict: Verdict) -> str:
    return "hold" if verdict.hold else verdict.outcome


def _hold(db: sqlite3.Connection, id_: str, verdict: Verdict) -> None:
    """Keep it unpublished until a person has looked, unless one has already; for a day at most."""
    db.execute(
        "INSERT OR IGNORE INTO acts (id, verb, item, decision, until, body, state, received_at)"
        " SELECT ?, 'hold', ?, ?, ?, x'', 'done', ? WHERE NOT EXISTS"
        " (SELECT 1 FROM acts WHERE item = ? AND verb = 'unrestrict' AND decision = ?)",
        (f"verdict:{verdict.event}", id_, verdict.decision or "",
         stamp(datetime.now(UTC) + timedelta(days=1)), now(), id_, verdict.decision or ""),
    )  # fmt: skip
