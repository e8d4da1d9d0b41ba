"""What people do on Plaza: each verb changes the state and writes the letter in one transaction."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from plaza import events
from plaza.model import Account, Item, now, stamp
from plaza.openhaven import Letter, Outbox
from plaza.safety import Safety
from plaza.store import Store, account, item

LONGEST_TEXT = 2_000
_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
_UNSEEN = dict.fromkeys([*range(9), *range(11, 32), 127])


class Unfit(Exception):  # noqa: N818 - it speaks to a person
    """What a person asked for cannot be done; the text tells them why."""


@dataclass(frozen=True)
class Draft:
    """Something that somebody is about to publish. With an `id` it is published only once."""

    type: str
    text: str
    picture: bytes = b""
    alt: str = ""
    parent: str | None = None
    recipient: str | None = None
    planted: str = ""
    id: str = ""
    language: str = ""


class Plaza:
    """The verbs of people. `url` is Plaza's own address, which goes with every item.

    Whoever reaches somebody is asked about first: `safety` says whether it may be.
    """

    def __init__(self, store: Store, outbox: Outbox, safety: Safety, url: str) -> None:
        self.store = store
        self.outbox = outbox
        self.safety = safety
        self.url = url

    # People ---------------------------------------------------------------------------------

    def join(self, who: Account) -> None:
        """Store a new persona and tell of it; does nothing for one that exists."""
        with self.store.begin() as db:
            new = db.execute(
                "INSERT OR IGNORE INTO accounts (id, name, age_band, country, language, about,"
                " generated, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                msgspec.structs.astuple(who),
            ).rowcount
            if new:
                self.outbox.put(db, events.told("account.create", who))

    def sign_in(self, who: Account) -> str:
        """Start a session; returns the token for the cookie, of which only a digest is kept."""
        token = secrets.token_urlsafe(32)
        with self.store.begin() as db:
            db.execute("DELETE FROM sessions WHERE created_at < ?", (_yesterday(),))
            db.execute(
                "INSERT INTO sessions (digest, account, created_at) VALUES (?, ?, ?)",
                (digest(token), who.id, now()),
            )
            self.outbox.put(db, events.told("session.start", who))
        return token

    def sign_out(self, token: str) -> None:
        """End the session of this token."""
        with self.store.begin() as db:
            db.execute("DELETE FROM sessions WHERE digest = ?", (digest(token),))

    def contact(self, me: Account, other: Account, verb: str) -> None:
        """Ask for, accept or block a contact; `verb` is `request`, `accept` or `block`."""
        states = {"request": "asked", "accept": "accepted", "block": "blocked"}
        if verb not in states or me.id == other.id:
            raise Unfit("That is not possible.")
        if verb == "request":
            self._may("contact.request", me, other.id, asks=True)
        sql = "INSERT OR REPLACE INTO contacts (account, other, state, at) VALUES (?, ?, ?, ?)"
        target = {"account": events.person(other)}
        with self.store.begin() as db:
            db.execute(sql, (me.id, other.id, states[verb], now()))
            if verb == "accept":
                db.execute(sql, (other.id, me.id, "accepted", now()))
            self.outbox.put(db, events.told(f"contact.{verb}", me, target=target))

    # Items ----------------------------------------------------------------------------------

    def publish(self, me: Account, draft: Draft) -> Item:
        """Ask Openhaven, and publish unless it says `block`; returns the item as it stands.

        Without an answer the item is published, and the question stays in the outbox.
        Raises `Unfit` for what Plaza itself does not take.
        """
        id_ = draft.id or f"{draft.type}-{secrets.token_hex(8)}"
        if item(self.store, id_) is None:
            self._reach(me, draft)
            self._keep(id_, me, draft)
            self._ask(id_)
        return self._found(id_)

    def edit(self, me: Account, old: Item, text: str) -> Item:
        """Change the words of one's own item and ask again: the whole is judged anew."""
        words = clean(text)
        if old.account != me.id or not old.public or not words:
            raise Unfit("Only your own published words can be changed, and not into nothing.")
        with self.store.begin() as db:
            db.execute(
                "UPDATE items SET text = ?, edited_at = ?, event = ?, state = 'checking',"
                " outcome = NULL, clause = NULL, answered_at = NULL WHERE id = ?",
                (words, now(), events.new_event(), old.id),
            )
            self.outbox.put(db, question(self.store, old.id, self.url), at_once=True)
        self._ask(old.id)
        return self._found(old.id)

    def delete(self, me: Account, old: Item) -> None:
        """Forget one's own item: its words and its picture go, the trail stays."""
        if old.account != me.id:
            raise Unfit("Only the person who wrote it can delete it.")
        with self.store.begin() as db:
            db.execute(
                "UPDATE items SET state = 'deleted', text = '', alt = '', picture = NULL"
                " WHERE id = ?",
                (old.id,),
            )
            gone = events.told("item.delete", me, item={"id": old.id, "type": old.type})
            self.outbox.put(db, gone)
        shared = "SELECT 1 FROM items WHERE picture = ?"
        if old.picture and not self.store.value(shared, old.picture):
            (self.store.pictures / old.picture).unlink(missing_ok=True)

    # Reports and notices --------------------------------------------------------------------

    def report(self, me: Account, subject: dict[str, str], category: str, text: str) -> str:
        """Report an item or an account (`{"item": id}` or `{"account": id}`); returns our id."""
        id_ = f"report-{secrets.token_hex(8)}"
        body = {"subject": subject, "category": category, "text": clean(text), "reporter": me.id}
        letter = Letter(id_, "report", id_, "/v1/reports", msgspec.json.encode(body))
        with self.store.begin() as db:
            db.execute(
                "INSERT INTO reports (id, reporter, item, account, category, text, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (id_, me.id, subject.get("item"), subject.get("account"), category,
                 clean(text), now()),
            )  # fmt: skip
            self.outbox.put(db, letter, at_once=True)
        self.outbox.send(letter)
        return id_

    def note_report(self, id_: str, state: str, outcome: str | None, help_: Sequence[str]) -> None:
        """Remember what Openhaven last said about a report."""
        with self.store.begin() as db:
            db.execute(
                "UPDATE reports SET state = ?, outcome = ?, help = ? WHERE id = ?",
                (state, outcome, msgspec.json.encode(help_).decode(), id_),
            )

    def note_read(self, me: Account) -> None:
        """Remember that the mailbox has been opened."""
        with self.store.begin() as db:
            db.execute(
                "UPDATE notices SET read_at = ? WHERE account = ? AND read_at IS NULL",
                (now(), me.id),
            )

    def note_appeal(self, notice: int) -> None:
        """Remember that a persona of the generator has sent an appeal."""
        with self.store.begin() as db:
            db.execute("UPDATE notices SET appealed_at = ? WHERE seq = ?", (now(), notice))

    def note_fact(self, name: str, value: str) -> None:
        """Remember a fact about Plaza itself, such as how far the generator has come."""
        with self.store.begin() as db:
            db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))

    # What reaches somebody ----------------------------------------------------------------------

    def _reach(self, me: Account, draft: Draft) -> None:
        parent = item(self.store, draft.parent) if draft.parent else None
        if draft.type == "comment" and parent:
            self._may("comment.create", me, parent.account)
        elif draft.type == "message" and draft.recipient:
            self._may("message.send", me, draft.recipient)

    def _may(self, action: str, me: Account, whom: str, *, asks: bool = False) -> None:
        """Raise `Unfit`, in the words for `me`, unless it may be; `asks`: it asks by itself."""
        other = account(self.store, whom)
        if other is None or other.id == me.id:
            return
        answer = self.safety.attempt(action, me, other)
        if not answer.allowed and not (asks and answer.answer == "ask"):
            raise Unfit(answer.sender.text)

    # How an item is kept and asked about ----------------------------------------------------

    def _keep(self, id_: str, me: Account, draft: Draft) -> None:
        text, alt, kind = clean(draft.text), clean(draft.alt)[:300], picture_type(draft.picture)
        if not text and not draft.picture:
            raise Unfit("There is nothing to publish: write something or choose a picture.")
        name = hashlib.sha256(draft.picture).hexdigest() if draft.picture else None
        if name:
            (self.store.pictures / name).write_bytes(draft.picture)
        with self.store.begin() as db:
            db.execute(
                "INSERT INTO items (id, type, account, parent, recipient, text, language, picture,"
                " picture_type, alt, planted, state, created_at, event)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'checking', ?, ?)",
                (id_, draft.type, me.id, draft.parent, draft.recipient, text,
                 draft.language or me.language, name, kind, alt, draft.planted, now(),
                 events.new_event()),
            )  # fmt: skip
            self.outbox.put(db, self._first_letter(id_, draft.picture, kind), at_once=True)

    def _first_letter(self, id_: str, picture: bytes, kind: str) -> Letter:
        """A picture is sent first; its answer brings the id that the question needs."""
        if picture:
            return Letter(f"media-{id_}", "media", id_, "/v1/media", picture, kind)
        return question(self.store, id_, self.url)

    def _ask(self, id_: str) -> None:
        """Send the letters about an item, one after the other; publish if one has no answer."""
        while letter := self.outbox.about(id_):
            if not self.outbox.send(letter):
                with self.store.begin() as db:
                    db.execute(
                        "UPDATE items SET state = 'live' WHERE id = ? AND state = 'checking'",
                        (id_,),
                    )
                return

    def _found(self, id_: str) -> Item:
        found = item(self.store, id_)
        if found is None:
            raise Unfit("This is gone.")
        return found


def question(store: Store, id_: str, url: str) -> Letter:
    """Return the letter that asks about a stored item; call it within your transaction."""
    what = item(store, id_)
    if what is None:
        raise Unfit("This is gone.")
    parent = item(store, what.parent) if what.parent else None
    aimed = what.recipient or (parent.account if parent else None)
    who, other = account(store, what.account), account(store, aimed) if aimed else None
    if who is None:
        raise Unfit("Nobody wrote this.")
    return events.asked(what, who, other, url)


def clean(text: str) -> str:
    """Return the text without unseen control characters; raises `Unfit` when it is too long."""
    found = text.replace("\r\n", "\n").replace("\r", "\n").translate(_UNSEEN).strip()
    if len(found) > LONGEST_TEXT:
        raise Unfit(f"This is too long: at most {LONGEST_TEXT:,} characters fit.")
    return found


def picture_type(data: bytes) -> str:
    """Return the media type of a picture by its first bytes, '' for no picture."""
    if not data:
        return ""
    for start, kind in _PICTURES.items():
        if data.startswith(start) and (kind != "image/webp" or data[8:12] == b"WEBP"):
            return kind
    raise Unfit("This is not a picture that Plaza can show: use PNG, JPEG, GIF or WebP.")


def _yesterday() -> str:
    return stamp(datetime.now(UTC) - timedelta(days=1))


def digest(token: str) -> bytes:
    """Return what is kept of a session's token."""
    return hashlib.sha256(token.encode()).digest()
