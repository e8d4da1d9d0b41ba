"""What we ask of a homeserver: the client-server API and Synapse's admin API, over one token.

Two things can go wrong, and they mean different things: the homeserver is *away* (try again), or it
*refuses* (somebody must look). Nothing else leaves this module.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from openhaven.connectors.http import Http, Reply, TooLongError, UnreachableError
from openhaven.connectors.matrix.model import Room, Server
from openhaven.connectors.matrix.visibility import visibility

CLIENT = "/_matrix/client/v3"
ADMIN = "/_synapse/admin/v1"


class AwayError(Exception):
    """The homeserver does not answer, or not now; the sentence says why, for staff.

    `answered` says that it is there but could not: it was busy, or another server is away.
    """

    def __init__(self, words: str, *, answered: bool = False) -> None:
        super().__init__(words)
        self.answered = answered


class RefusedError(Exception):
    """The homeserver answered that it will not: HTTP status, Matrix error code, its words."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(f"The homeserver answered {status} {code}: {words}"[:500])
        self.status = status
        self.code = code


class TooLargeError(Exception):
    """A file is longer than what we may fetch."""


class Homeserver:
    """One homeserver, asked with the application service's token."""

    def __init__(self, http: Http, server: Server) -> None:
        self._http = http
        self._server = server

    # Asking ---------------------------------------------------------------------------------

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        as_user: str | None = None,
        **query: str | int,
    ) -> dict[str, Any]:
        """Send a request; return the answer's JSON object. Raises `AwayError`, `RefusedError`."""
        reply = self.send(method, path, body, as_user, query, limit=4_000_000)
        return _object(reply.body)

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        as_user: str | None,
        query: Mapping[str, str | int],
        limit: int,
    ) -> Reply:
        """Send a request; return the answer, of at most `limit` bytes (else `TooLargeError`)."""
        parameters = dict(query) | ({"user_id": as_user} if as_user else {})
        url = self._server.url + path + ("?" + urlencode(parameters) if parameters else "")
        headers = {"authorization": f"Bearer {self._server.tokens.ours}"}
        data = None
        if method != "GET":
            headers["content-type"] = "application/json"
            data = msgspec.json.encode(body or {})
        try:
            reply = self._http.send(method, url, body=data, headers=headers, limit=limit)
        except TooLongError as error:
            raise TooLargeError(str(error)) from error
        except UnreachableError as error:
            raise AwayError(str(error)) from error
        if reply.status == 429 or reply.status >= 500:
            raise AwayError(f"The homeserver answered {reply.status}.", answered=True)
        if not 200 <= reply.status < 300:
            said = _object(reply.body)
            raise RefusedError(
                reply.status, str(said.get("errcode", "")), str(said.get("error", ""))
            )
        return reply

    # Looking --------------------------------------------------------------------------------

    def who(self) -> str:
        """Return the Matrix id that our token stands for."""
        return str(self.ask("GET", f"{CLIENT}/account/whoami").get("user_id", ""))

    def event(self, event_id: str) -> dict[str, Any]:
        """Return an event as it was sent, even when it was redacted since (for some days)."""
        found = self.ask("GET", f"{ADMIN}/fetch_event/{_part(event_id)}").get("event")
        return found if isinstance(found, dict) else {}

    def can_fetch_events(self) -> bool:
        """Say whether the homeserver is new enough to give out an event by its id."""
        try:
            self.event("$there-is-no-such-event")
        except RefusedError as refusal:
            return refusal.code == "M_NOT_FOUND"
        return True

    def room(self, room_id: str) -> Room:
        """Return who can read along in a room; a room that is gone counts as private."""
        try:
            return _room(room_id, self.ask("GET", f"{ADMIN}/rooms/{_part(room_id)}"))
        except RefusedError as refusal:
            if refusal.status != 404:
                raise
            return Room(room_id, "private", False)

    def user(self, user_id: str) -> dict[str, Any] | None:
        """Return what the homeserver knows of an account of its own, or None for a stranger's."""
        try:
            return self.ask("GET", f"/_synapse/admin/v2/users/{_part(user_id)}")
        except RefusedError as refusal:
            if refusal.status in (400, 404):
                return None
            raise

    def reports(self, kind: str, since_ms: int) -> Iterator[dict[str, Any]]:
        """Yield reports (`event_reports` or `user_reports`), newest first, back to a moment."""
        start = 0
        while True:
            # An id that stands on two pages, since a report came between, is stored only once.
            page = self.ask("GET", f"{ADMIN}/{kind}?from={start}&limit=100&dir=b")
            for report in page.get(kind, ()):
                if int(report.get("received_ts", 0)) < since_ms:
                    return
                yield report
            if "next_token" not in page:
                return
            start = int(page["next_token"])

    def media(self, uri: str, limit: int) -> bytes:
        """Return the file behind an `mxc://` address.

        A file that is quarantined is fetched, too: Synapse quarantines a file wherever it is posted
        again, and whoever does that shall hear of it. Raises `TooLargeError` beyond `limit` bytes
        and `RefusedError` when the file is gone.
        """
        server, media = parts_of(uri)
        path = f"/_matrix/client/v1/media/download/{_part(server)}/{_part(media)}"
        query = {"allow_redirect": "false", "admin_unsafely_bypass_quarantine": "true"}
        return self.send("GET", path, None, None, query, limit).body

    # Acting on items ------------------------------------------------------------------------

    def redact(
        self, room: str, event: str, transaction: str, reason: str, *, as_user: str | None
    ) -> None:
        """Redact an event, in the name of `as_user` (None: in our own)."""
        path = f"{CLIENT}/rooms/{_part(room)}/redact/{_part(event)}/{_part(transaction)}"
        self.ask("PUT", path, {"reason": reason}, as_user=as_user)

    def is_redacted(self, room: str, event: str, *, as_user: str) -> bool:
        """Say whether an event is redacted, as somebody sees it; no when they cannot see it."""
        path = f"{CLIENT}/rooms/{_part(room)}/event/{_part(event)}"
        try:
            seen = self.ask("GET", path, as_user=as_user)
        except RefusedError:
            return False
        return "redacted_because" in (seen.get("unsigned") or {})

    def replacements(self, room: str, event: str, *, as_user: str) -> list[dict[str, Any]]:
        """Return the edits of an event (at most 100), as a member of the room sees them."""
        path = f"/_matrix/client/v1/rooms/{_part(room)}/relations/{_part(event)}/m.replace"
        found = self.ask("GET", path, as_user=as_user, limit=100).get("chunk", [])
        return [edit for edit in found if isinstance(edit, dict)]

    def start_redacting(self, user: str, room: str, moment: int, reason: str) -> str:
        """Begin to redact what `user` sent in `room` at one millisecond; return the task's id.

        This is Synapse's own way; it also reaches somebody who has left the room.
        """
        body = {"rooms": [room], "reason": reason, "before_ts": moment, "after_ts": moment}
        return str(self.ask("POST", f"{ADMIN}/user/{_part(user)}/redact", body)["redact_id"])

    def redacting(self, task: str) -> tuple[str, list[str]]:
        """Return how far a task is, and the reasons why events could not be redacted."""
        found = self.ask("GET", f"{ADMIN}/user/redact_status/{_part(task)}")
        failed = found.get("failed_redactions") or {}
        return str(found.get("status")), [str(why) for why in failed.values()]

    def quarantine(self, uri: str, *, lift: bool = False) -> None:
        """Stop the homeserver from giving out a file, or let it be given out again."""
        server, media = parts_of(uri)
        verb = "unquarantine" if lift else "quarantine"
        self.ask("POST", f"{ADMIN}/media/{verb}/{_part(server)}/{_part(media)}")

    # Acting on accounts ---------------------------------------------------------------------

    def suspend(self, user: str, *, lift: bool = False) -> None:
        """Make an account read-only, or give it back its voice."""
        self.ask("PUT", f"{ADMIN}/suspend/{_part(user)}", {"suspend": not lift})

    # Speaking -------------------------------------------------------------------------------

    def room_of_alias(self, alias: str) -> str | None:
        """Return the room that an alias leads to, if there is one."""
        try:
            found = self.ask("GET", f"{CLIENT}/directory/room/{_part(alias)}")
        except RefusedError as refusal:
            if refusal.status == 404:
                return None
            raise
        return str(found["room_id"])

    def create_room(self, settings: Mapping[str, Any]) -> str:
        """Create a room of our own and return its id."""
        return str(self.ask("POST", f"{CLIENT}/createRoom", settings)["room_id"])

    def membership(self, room: str, user: str) -> str:
        """Return `join`, `invite`, `leave` or `ban`; `leave` for somebody who was never there."""
        path = f"{CLIENT}/rooms/{_part(room)}/state/m.room.member/{_part(user)}"
        try:
            return str(self.ask("GET", path).get("membership", "leave"))
        except RefusedError as refusal:
            if refusal.status == 404:
                return "leave"
            raise

    def invite(self, room: str, user: str) -> None:
        """Invite somebody into a room of ours."""
        self.ask("POST", f"{CLIENT}/rooms/{_part(room)}/invite", {"user_id": user})

    def join(self, room: str, user: str) -> None:
        """Let a local account join a room that it is invited to."""
        self.ask("POST", f"{CLIENT}/join/{_part(room)}", as_user=user)

    def say(self, room: str, transaction: str, content: Mapping[str, Any], kind: str) -> None:
        """Send an event; the same transaction again sends nothing."""
        path = f"{CLIENT}/rooms/{_part(room)}/send/{_part(kind)}/{_part(transaction)}"
        self.ask("PUT", path, content)

    def has_said(self, room: str, mark: str, value: str) -> bool:
        """Say whether one of our last 100 messages in a room holds `value` under `mark`."""
        only = {"types": ["m.room.message"], "senders": [self._server.sender]}
        query = urlencode({"dir": "b", "limit": 100, "filter": json.dumps(only)})
        found = self.ask("GET", f"{CLIENT}/rooms/{_part(room)}/messages?{query}").get("chunk", [])
        return any(said.get("content", {}).get(mark) == value for said in found)

    # Setting up -----------------------------------------------------------------------------

    def register_sender(self, localpart: str, name: str) -> None:
        """Make sure that our account exists, and that people can see whose it is."""
        body = {"type": "m.login.application_service", "username": localpart, "inhibit_login": True}
        try:
            self.ask("POST", f"{CLIENT}/register", body)
        except RefusedError as refusal:
            if refusal.code != "M_USER_IN_USE":
                raise
        path = f"{CLIENT}/profile/{_part(self._server.sender)}/displayname"
        self.ask("PUT", path, {"displayname": name})


def parts_of(uri: str) -> tuple[str, str]:
    """Return server and media id of an `mxc://` address (Matrix 1.11, 11.7.1); else ValueError."""
    server, _, media = uri.removeprefix("mxc://").partition("/")
    if not uri.startswith("mxc://") or not server or not media or "/" in media:
        raise ValueError("That is no address of a file.")
    return server, media


def _part(text: str) -> str:
    return quote(text, safe="")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _room(room_id: str, found: Mapping[str, Any]) -> Room:
    rule, history = str(found.get("join_rules")), str(found.get("history_visibility"))
    return Room(room_id, visibility(rule, history), found.get("encryption") is not None)
