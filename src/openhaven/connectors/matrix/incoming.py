"""One row of the inbox made ready for the line: everything that has to be asked is asked here.

No transaction is open while the homeserver is asked. What comes out is complete, so that storing
it is one short transaction.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec.structs import replace

from openhaven import intake
from openhaven.connectors.matrix import actions, store
from openhaven.connectors.matrix.client import AwayError, Homeserver, RefusedError, TooLargeError
from openhaven.connectors.matrix.convert import Found, convert, moment, read, text
from openhaven.connectors.matrix.model import (
    REPORT_OF_EVENT,
    REPORT_OF_USER,
    Room,
    Server,
    Waiting,
)
from openhaven.connectors.matrix.reports import category, handed_over
from openhaven.connectors.model import Wiring
from openhaven.core import system, utcnow
from openhaven.intake import Account, Event, Item, MediaFacts, MediaRef, Report, ReportSubject
from openhaven.storage import Tx

ME = system("matrix")
_DESCRIBES_ROOM = ("m.room.create", "m.room.join_rules", "m.room.history_visibility",
                   "m.room.encryption")  # fmt: skip
_UPLOAD_TIME = timedelta(minutes=1)


class NotYetError(Exception):
    """This one event has to wait a little; the ones behind it do not."""


class Ready(NamedTuple):
    """What a row becomes: events in order, files by the event they belong to, and a report."""

    row: Waiting
    events: tuple[Event, ...] = ()
    files: tuple[tuple[str, bytes, MediaFacts], ...] = ()
    report: Report | None = None

    @property
    def size(self) -> int:
        """How many bytes of files it holds."""
        return sum(len(data) for _, data, _ in self.files)


class Desk:
    """Makes rows ready, one after the other, for one homeserver."""

    def __init__(self, wiring: Wiring, server: Server) -> None:
        self._wiring = wiring
        self._server = server
        self._asks = Homeserver(wiring.http, server)
        self._greeted: set[str] = set()

    def prepare(self, row: Waiting) -> Ready:
        """Return what a row becomes.

        Raises `AwayError` (the homeserver does not answer), `NotYetError` (only this one has to
        wait), `UnreadableError` or `RefusedError` (this one is broken).
        """
        with self._wiring.db.read() as tx:
            body = tx.keys.open(self._server.platform, row.body)
        raw = read(body or b"")
        if row.id.startswith(REPORT_OF_EVENT):
            return self._report_of_event(row, raw)
        if row.id.startswith(REPORT_OF_USER):
            return self._report_of_user(row, raw)
        return self._event(row, raw)

    # Events ---------------------------------------------------------------------------------

    def _event(self, row: Waiting, raw: dict[str, Any]) -> Ready:
        room = self._room(text(raw, "room_id"), afresh=raw.get("type") in _DESCRIBES_ROOM)
        if room.person is not None or raw.get("sender") == self._server.sender:
            return Ready(row)
        found = convert(raw, room, utcnow(), content=self._may_read(room))
        if found is None or self._is_ours(found.event):
            return Ready(row)
        return self._complete(row, found)

    def _may_read(self, room: Room) -> bool:
        return room.visibility != "private" or self._server.private_basis is not None

    def _is_ours(self, event: Event) -> bool:
        """Say whether an event is the trace of what we did ourselves."""
        account = event.target.account if event.target else None
        if account is not None and account.id == self._server.sender:
            return True
        if event.kind != "item.delete" or event.item is None:
            return False
        with self._wiring.db.read() as tx:
            return store.removed_by_us(tx, self._server.platform, event.item.id)

    def _room(self, room_id: str, *, afresh: bool = False) -> Room:
        with self._wiring.db.read() as tx:
            known = store.room(tx, self._server.platform, room_id)
        if known is not None and (known.person is not None or not afresh):
            return known
        room = self._asks.room(room_id)
        with self._wiring.db.begin(ME) as tx:
            actions.keep_room(tx, self._server.platform, room)
        return room

    def _complete(self, row: Waiting, found: Found, report: Report | None = None) -> Ready:
        files, missing = self._fetch(row, found)
        event = found.event
        if missing:
            event = replace(event, context=event.context | {"media_unread": missing})
        sign_up = self._sign_up(event.account.id)
        event = replace(
            event, account=replace(event.account, created_at=self._born(event, sign_up))
        )
        return Ready(row, (*sign_up, event), files, report)

    # Files ----------------------------------------------------------------------------------

    def _fetch(
        self, row: Waiting, found: Found
    ) -> tuple[tuple[tuple[str, bytes, MediaFacts], ...], str]:
        """Return the files of an event, hashed, and why one could not be had (empty: all there)."""
        files, missing = [], ""
        for uri in found.files:
            try:
                data = self._download(row, uri)
            except TooLargeError:
                missing = "too large"
            except RefusedError:
                missing = "gone"
            else:
                if data is None:
                    missing = "away"
                else:
                    files.append((found.event.id, data, self._facts(data)))
        return tuple(files), missing

    def _download(self, row: Waiting, uri: str) -> bytes | None:
        """Return a file, or None when the server that holds it does not give it in time."""
        try:
            return self._asks.media(uri, self._wiring.settings.media_limit)
        except AwayError as away:
            if not away.answered:
                raise
            # A file may come after the message that names it; one of another server may never come.
            if utcnow() - row.received_at < _UPLOAD_TIME:
                raise NotYetError(f"A file is not there yet. {away}") from away
            return None

    def _facts(self, data: bytes) -> MediaFacts:
        seen = self._wiring.hasher.hash(data)
        return MediaFacts(
            id="", sha256=seen.sha256, md5=seen.md5, type=seen.type, size=len(data), pdq=seen.pdq,
            quality=seen.quality, unknown=seen.unknown, sha1=seen.sha1,
            others=tuple(one.pdq for one in seen.others),
            reads=tuple(one.read for one in seen.others),
        )  # fmt: skip

    # Accounts -------------------------------------------------------------------------------

    def _sign_up(self, account: str) -> tuple[Event, ...]:
        """Return the sign-up of an account that we meet for the first time.

        A homeserver does not announce sign-ups; it tells the moment and the address when asked.
        """
        if account in self._greeted or not account.endswith(":" + self._server.server_name):
            return ()
        with self._wiring.db.read() as tx:
            known = intake.account_of(tx, self._server.platform, account)
        found = self._asks.user(account) if known is None else None
        self._greeted.add(account)
        if found is None:
            return ()
        born = _born(found)
        return (
            Event(
                id=f"account:{account}",
                kind="account.create",
                at=born,
                account=Account(id=account, created_at=born),
                context={"email": address} if (address := _email(found)) else {},
            ),
        )

    def _born(self, event: Event, sign_up: tuple[Event, ...]) -> datetime | None:
        """Return when the account of an event signed up: rules ask how old it is."""
        if sign_up:
            return sign_up[0].at
        with self._wiring.db.read() as tx:
            return store.born(tx, self._server.platform, event.account.id)

    # Reports --------------------------------------------------------------------------------

    def _report_of_event(self, row: Waiting, raw: dict[str, Any]) -> Ready:
        item, reason = text(raw, "event_id"), str(raw.get("reason") or "")
        words, plaintext = handed_over(reason)
        report = Report(
            subject=ReportSubject(item=item, account=raw.get("sender")),
            category=category(words),
            text=words[:10_000],
            reporter=text(raw, "user_id"),
        )
        found = self._reported(row, item, plaintext)
        if found is None:
            return Ready(row, report=report)
        return self._complete(row, found, report)

    def _reported(self, row: Waiting, item: str, plaintext: str | None) -> Found | None:
        """Return the reported message as its reporter could read it, if we do not have it so.

        Whoever reports a message shows it to us: that is no looking into a private conversation.
        """
        raw = self._original(item)
        if raw is None:
            return None
        room = self._room(text(raw, "room_id"))
        found = convert(raw | {"event_id": item}, room, utcnow(), content=True)
        if found is None or found.event.item is None:
            return None
        sealed = bool(found.event.conversation and found.event.conversation.encrypted)
        if self._has(found.event.id) and self._may_read(room) and not sealed:
            return None
        if sealed and plaintext is None and self._has(found.event.id):
            return None
        return _shown(found, row, plaintext if sealed else None, sealed=sealed)

    def _original(self, item: str) -> dict[str, Any] | None:
        try:
            return self._asks.event(item)
        except RefusedError as refusal:
            if refusal.status == 404:
                return None
            raise

    def _has(self, event_id: str) -> bool:
        with self._wiring.db.read() as tx:
            return intake.event_of(tx, self._server.platform, event_id) is not None

    def _report_of_user(self, row: Waiting, raw: dict[str, Any]) -> Ready:
        reason = str(raw.get("reason") or "")
        report = Report(
            subject=ReportSubject(account=text(raw, "target_user_id")),
            category=category(reason),
            text=reason.strip()[:10_000],
            reporter=text(raw, "user_id"),
        )
        return Ready(row, self._sign_up(text(raw, "target_user_id")), report=report)


def store_ready(tx: Tx, wiring: Wiring, server: Server, ready: list[Ready]) -> None:
    """Hand rows to the line and note that they are done, in the caller's transaction."""
    events: list[Event] = []
    for one in ready:
        refs = {event.id: [] for event in one.events}  # type: dict[str, list[MediaRef]]
        for event_id, data, facts in one.files:
            kept = intake.accept_media(tx, wiring.blobs, server.platform, data, facts)
            refs[event_id].append(MediaRef(kept.id))
        events += [_with_media(event, refs[event.id]) for event in one.events]
    actions.accept(tx, server.platform, events)
    for one in ready:
        if one.report is not None:
            intake.accept_report(tx, server.platform, one.report)
        actions.finish(tx, server, one.row)


def _with_media(event: Event, refs: list[MediaRef]) -> Event:
    if not refs or event.item is None:
        return event
    return replace(event, item=replace(event.item, media=tuple(refs)))


def _shown(found: Found, row: Waiting, plaintext: str | None, *, sealed: bool) -> Found:
    event = found.event
    assert event.item is not None
    item: Item = replace(event.item, text=plaintext) if plaintext is not None else event.item
    context: dict[str, Any] = {"shown_by_reporter": True}
    if sealed:
        # Nobody can check that this is what was said.
        context["unverified"] = plaintext is not None
    changed = replace(event, id=f"{row.id}:{event.id}", item=item, context=event.context | context)
    return Found(changed, found.files)


def _born(found: dict[str, Any]) -> datetime:
    # Synapse says seconds here (seen with 1.163) and milliseconds everywhere else.
    value = found.get("creation_ts")
    number = value if isinstance(value, int) else 0
    return moment({"origin_server_ts": number * 1000 if number < 10**11 else number}, utcnow())


def _email(found: dict[str, Any]) -> str | None:
    for threepid in found.get("threepids") or ():
        if isinstance(threepid, dict) and threepid.get("medium") == "email":
            return str(threepid.get("address"))[:320]
    return None
