"""Carrying out what was decided. Every step can be done again without doing more.

A redaction cannot be undone, a quarantine and a suspension can: files are quarantined and never
deleted, accounts are made read-only and never locked or deactivated. Who is read-only still reads
the statement of reasons, and still reaches the appeal.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from openhaven import decisions, intake
from openhaven.connectors.matrix import store
from openhaven.connectors.matrix.client import AwayError, Homeserver, RefusedError
from openhaven.connectors.matrix.convert import inner
from openhaven.connectors.matrix.model import Server
from openhaven.connectors.matrix.notices import tell
from openhaven.connectors.matrix.words import files_of
from openhaven.connectors.model import Carried, Wiring
from openhaven.core.words import translate
from openhaven.decisions import Act

DONE = Carried("done")
_SECONDS_TO_REDACT = 15.0


class Hand(NamedTuple):
    """What is needed to carry something out on one homeserver."""

    wiring: Wiring
    server: Server
    asks: Homeserver


def carry_out(wiring: Wiring, act: Act) -> Carried:
    """Carry out one act; `retry` when the homeserver is away, `failed` with what it said."""
    with wiring.db.read() as tx:
        server = store.server(tx, act.platform)
    do = _VERBS.get(act.verb)
    if do is None:
        return Carried("failed", f"A homeserver cannot carry out “{act.verb}”.")
    try:
        return do(Hand(wiring, server, Homeserver(wiring.http, server)), act)
    except AwayError as error:
        return Carried("retry", str(error))
    except RefusedError as error:
        return Carried("failed", str(error))


# Items ----------------------------------------------------------------------------------------


class _Message(NamedTuple):
    id: str
    room: str
    sender: str
    moment: int
    files: tuple[str, ...]


def _message(hand: Hand, item: str) -> _Message | None:
    """Return what has to be known of a message, or None when the homeserver does not have it."""
    try:
        raw = hand.asks.event(item)
    except RefusedError as refusal:
        if refusal.status == 404 and refusal.code == "M_NOT_FOUND":
            return None
        raise
    content = inner(raw, "content")
    files = dict.fromkeys((*files_of(content), *files_of(inner(content, "m.new_content"))))
    moment = int(raw["origin_server_ts"])
    return _Message(item, str(raw["room_id"]), str(raw["sender"]), moment, tuple(files))


def _remove(hand: Hand, act: Act) -> Carried:
    message = _message(hand, act.target.get("item", ""))
    if message is None:
        return Carried("failed", "The homeserver does not know this message (any more).")
    for uri in message.files:
        hand.asks.quarantine(uri)
    return _redact(hand, act, message)


def _redact(hand: Hand, act: Act, message: _Message) -> Carried:
    """Redact in the author's name, with the reason in plain sight.

    Our own account is in no room, and would have to be given power over each by the room's
    administrator. What Synapse itself does for its administrators is the least that works.
    """
    reason = f"Removed by the moderation of {hand.wiring.settings.service_name}"
    author = message.sender
    if not author.endswith(":" + hand.server.server_name):
        hand.asks.redact(message.room, message.id, act.id, reason, as_user=None)
        return DONE
    if act.attempts > 1 and hand.asks.is_redacted(message.room, message.id, as_user=author):
        return DONE
    try:
        _redact_edits(hand, act, message, reason)
        hand.asks.redact(message.room, message.id, act.id, reason, as_user=author)
    except RefusedError as refusal:
        if refusal.status != 403:
            raise
        return _redact_of_absent(hand, message, reason)
    return DONE


def _redact_of_absent(hand: Hand, message: _Message, reason: str) -> Carried:
    """Redact what somebody sent who has left the room: only Synapse itself can."""
    task = hand.asks.start_redacting(message.sender, message.room, message.moment, reason)
    ends = time.monotonic() + _SECONDS_TO_REDACT
    while time.monotonic() < ends:
        state, failed = hand.asks.redacting(task)
        if failed or state == "failed":
            return Carried(
                "failed", f"The homeserver could not redact it: {'; '.join(failed)}"[:500]
            )
        if state == "complete":
            return DONE
        time.sleep(0.2)
    return Carried("retry", "The homeserver has not finished redacting.")


def _redact_edits(hand: Hand, act: Act, message: _Message, reason: str) -> None:
    """Redact the edits of a message: each holds words of its own."""
    author = message.sender
    for edit in hand.asks.replacements(message.room, message.id, as_user=author):
        if edit.get("sender") != author:
            continue
        for uri in _files_of_edit(edit):
            hand.asks.quarantine(uri)
        event = str(edit["event_id"])
        hand.asks.redact(message.room, event, _key(act, edit), reason, as_user=author)


def _files_of_edit(edit: Mapping[str, Any]) -> tuple[str, ...]:
    return files_of(inner(edit, "content", "m.new_content"))


def _key(act: Act, edit: Mapping[str, Any]) -> str:
    mark = hashlib.sha256(str(edit.get("event_id")).encode()).hexdigest()[:16]
    return f"{act.id}.{mark}"


class _Files(NamedTuple):
    """The files of a message that was removed, and how many other removed messages hold them."""

    uris: tuple[str, ...]
    others: int

    @property
    def closed(self) -> bool:
        return bool(self.uris and self.others)


def _restore(hand: Hand, act: Act) -> Carried:
    """Give files out again, and give the author their words back: a redaction stays."""
    item = act.target.get("item", "")
    message = _message(hand, item)
    with hand.wiring.db.read() as tx:
        known = intake.latest_of_item(tx, act.platform, item)
        event = intake.open_event(tx, known.seq)[1] if known else None
    author = known.account if known else message.sender if message else None
    if author is None:
        return Carried("failed", "It is not known whose message this was.")
    said = event.item.text if event and event.item else None
    files = _files(hand, act, message)
    words = _sorry(hand.wiring.settings.language, said, files)
    tell(hand.wiring, hand.server, hand.asks, author, act, words)
    return _give_out_again(hand, files)


def _files(hand: Hand, act: Act, message: _Message | None) -> _Files:
    item = act.target["item"]
    with hand.wiring.db.read() as tx:
        known = store.files_of_item(tx, act.platform, item)
        others = store.other_quarantines(tx, act.platform, item)
    return _Files(tuple(dict.fromkeys((*known, *(message.files if message else ())))), others)


def _give_out_again(hand: Hand, files: _Files) -> Carried:
    """Lift the quarantine of a message's files.

    Synapse lifts it for a file wherever it was posted. Where other decisions still hold about the
    same file, a person has to look.
    """
    if files.closed:
        error = f"The file stays closed: {files.others} other removed messages hold it."
        return Carried("failed", error)
    for uri in files.uris:
        hand.asks.quarantine(uri, lift=True)
    return DONE


def _sorry(language: str, said: str | None, files: _Files) -> str:
    """Return the word to whose message was removed in error: what Matrix can put back, and not."""
    parts = [
        translate(
            language,
            "Something that you posted was removed in error. We are sorry. It counts for nothing "
            "any more. Here, a message that was removed cannot be put back into its room. You may "
            "post it again.",
        )
    ]
    if files.closed:
        parts.append(translate(language, "Its files stay closed until a person has looked again."))
    elif files.uris:
        parts.append(translate(language, "Its files can be opened again."))
    if said:
        parts += [translate(language, "This is what you wrote:"), said]
    return "\n\n".join(parts)


# What is limited, and can be given back ---------------------------------------------------------


def _restrict(hand: Hand, act: Act) -> Carried:
    if "item" not in act.target:
        return _suspend(hand, act)
    message = _message(hand, act.target["item"])
    if message is None:
        return Carried("failed", "The homeserver does not know this message (any more).")
    if not message.files:
        return Carried("failed", "Matrix cannot hide words and show them again: allow or remove.")
    for uri in message.files:
        hand.asks.quarantine(uri)
    return DONE


def _unrestrict(hand: Hand, act: Act) -> Carried:
    if "item" not in act.target:
        return _unsuspend(hand, act)
    return _give_out_again(hand, _files(hand, act, _message(hand, act.target["item"])))


def _suspend(hand: Hand, act: Act) -> Carried:
    hand.asks.suspend(act.target["account"])
    return DONE


def _unsuspend(hand: Hand, act: Act) -> Carried:
    account = act.target["account"]
    with hand.wiring.db.read() as tx:
        still = store.other_silence(tx, act.platform, account, act.reverses or "")
    if not still:
        hand.asks.suspend(account, lift=True)
    return DONE


# Words to the person ----------------------------------------------------------------------------


def _notify(hand: Hand, act: Act) -> Carried:
    with hand.wiring.db.read() as tx:
        notice = decisions.notice_text(tx, act.decision, upto=act.intended_at)
    if notice is None:
        return Carried("failed", "There is no message to send: it was erased.")
    words = f"{notice.title}\n\n{notice.text}"
    tell(hand.wiring, hand.server, hand.asks, act.target["account"], act, words)
    return DONE


def _warn(hand: Hand, act: Act) -> Carried:
    """The warning is the notice itself, which is an act of its own."""
    del hand, act
    return DONE


_VERBS: dict[str, Callable[[Hand, Act], Carried]] = {
    "notify": _notify,
    "warn": _warn,
    "remove": _remove,
    "block": _remove,
    "restore": _restore,
    "unblock": _restore,
    "restrict": _restrict,
    "unrestrict": _unrestrict,
    "suspend": _suspend,
    "unsuspend": _unsuspend,
}
