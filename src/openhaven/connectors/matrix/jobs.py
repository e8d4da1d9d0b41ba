"""Periodic work: hand what came to the line, and fetch the reports that people made."""

import http.client
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from openhaven.connectors.http import UnreachableError
from openhaven.connectors.matrix import actions, catching_up, store
from openhaven.connectors.matrix.client import AwayError, Homeserver, RefusedError
from openhaven.connectors.matrix.convert import UnreadableError
from openhaven.connectors.matrix.incoming import ME, Desk, NotYetError, Ready, store_ready
from openhaven.connectors.matrix.model import (
    REPORT_OF_EVENT,
    REPORT_OF_USER,
    Server,
    Waiting,
)
from openhaven.connectors.matrix.notices import nudge
from openhaven.connectors.matrix.pulse import Pulse
from openhaven.connectors.model import Wiring
from openhaven.core import Problem, utcnow
from openhaven.storage import Tx

log = structlog.get_logger("matrix")

BATCH = 50
HELD = 64_000_000
SECONDS_BETWEEN_POLLS = 3.0
LOOK_BACK = timedelta(days=1)


class Jobs:
    """The work of one process for all homeservers."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._pulses: dict[str, Pulse] = {}
        self._quiet: set[str] = set()
        self._polled = 0.0
        self._lock = threading.Lock()

    # The inbox ------------------------------------------------------------------------------

    def drain(self) -> int:
        """Hand waiting events of every homeserver to the line; return how many."""
        with self._wiring.db.read() as tx:
            known = store.servers(tx)
        return sum(self._drain(server) for server in known)

    def _drain(self, server: Server) -> int:
        """Work on one homeserver while nobody else does, so that its events keep their order."""
        with self._wiring.db.begin(ME) as guard:
            if not guard.lock(f"matrix.drain.{server.platform}"):
                return 0
            rows = store.waiting(guard, server.platform, BATCH)
            return self._hand_over(server, rows) if rows else 0

    def _hand_over(self, server: Server, rows: Sequence[Waiting]) -> int:
        desk, ready, held = Desk(self._wiring, server), list[Ready](), 0
        for row in rows:
            try:
                one = desk.prepare(row)
            except NotYetError as error:
                self._put_off(server, row, error)
            except AwayError as error:
                # Without the homeserver nothing behind this one can be done either.
                self._put_off(server, row, error)
                break
            except (
                UnreadableError,
                RefusedError,
                msgspec.MsgspecError,
                ValueError,
                KeyError,
            ) as error:
                self._stumble(server, row, error)
            else:
                ready.append(one)
                held += one.size
            if held > HELD:
                break
        self._store(server, ready)
        return len(ready)

    def _store(self, server: Server, ready: list[Ready]) -> None:
        """Store rows together; where that fails, one by one, so that one cannot stop the others."""
        try:
            with self._wiring.db.begin(ME) as tx:
                store_ready(tx, self._wiring, server, ready)
        except Problem as problem:
            if problem.code == "database.away":
                raise
            self._one_by_one(server, ready, problem)
        except Exception as error:  # Narrowed down below to the row, which is counted and shown.
            self._one_by_one(server, ready, error)

    def _one_by_one(self, server: Server, ready: list[Ready], error: Exception) -> None:
        if len(ready) == 1:
            log.error("matrix.row_failed", inbox=ready[0].row.seq, error=type(error).__name__)
            self._stumble(server, ready[0].row, error)
            return
        for one in ready:
            self._store(server, [one])

    def _put_off(self, server: Server, row: Waiting, error: Exception) -> None:
        with self._wiring.db.begin(ME) as tx:
            actions.wait(tx, server, row, str(error))

    def _stumble(self, server: Server, row: Waiting, error: Exception) -> None:
        with self._wiring.db.begin(ME) as tx:
            stuck = actions.stumble(tx, server, row, f"{type(error).__name__}: {error}")
        log.warning("matrix.row_unreadable", inbox=row.seq, set_aside=stuck)

    # Reports --------------------------------------------------------------------------------

    def poll(self) -> int:
        """Fetch new reports of every homeserver, at most every few seconds; return how many."""
        with self._lock:
            if time.monotonic() - self._polled < SECONDS_BETWEEN_POLLS:
                return 0
            self._polled = time.monotonic()
        with self._wiring.db.begin(ME) as tx:
            known = store.servers(tx)
            actions.forget(tx)
        return sum(self._poll(server) for server in known)

    def _poll(self, server: Server) -> int:
        began = utcnow()
        homeserver = Homeserver(self._wiring.http, server)
        try:
            unbroken = self._ran_on(server)
            found = _reports(homeserver, _since(server))
        except (
            AwayError,
            RefusedError,
            UnreachableError,
            OSError,
            http.client.HTTPException,
        ) as error:
            with self._wiring.db.begin(ME) as tx:
                actions.polled(tx, server.platform, str(error) or type(error).__name__)
            return 0
        self._nudge(server, homeserver)
        with self._wiring.db.begin(ME, began) as tx:
            new = actions.receive(tx, server.platform, found)
            if new or _is_stale(tx, server):
                actions.polled(tx, server.platform, None)
            if unbroken and server.heard_at is not None:
                # It was read before the beat: the homeserver has not been restarted since.
                catching_up.trust(tx, server.platform, server.heard_at)
        return new

    def _ran_on(self, server: Server) -> bool:
        """See whether a homeserver was restarted; if so, a reading is owed for what it forgot.

        Returns whether it ran on.
        """
        pulse = self._pulses.setdefault(server.platform, Pulse(server.url))
        broke = pulse.broke()
        if broke:
            with self._wiring.db.begin(ME) as tx:
                catching_up.owe(tx, server.platform)
            pulse.mended()
            self._quiet.add(server.platform)
        return not broke

    def _nudge(self, server: Server, homeserver: Homeserver) -> None:
        """Make a homeserver that was restarted send what it could not deliver before."""
        if server.platform not in self._quiet:
            return
        try:
            nudge(self._wiring, server, homeserver)
        except (AwayError, RefusedError) as error:
            log.warning("matrix.not_nudged", platform=server.platform, error=str(error))
        else:
            self._quiet.discard(server.platform)


def _since(server: Server) -> datetime:
    """Return from when on reports are asked for: with a day's overlap, never before we came."""
    return max(server.connected_at, (server.polled_at or server.connected_at) - LOOK_BACK)


def _is_stale(tx: Tx, server: Server) -> bool:
    minute = timedelta(minutes=1)
    return server.last_error is not None or (
        server.polled_at is None or tx.now - server.polled_at > minute
    )


def _reports(homeserver: Homeserver, since: datetime) -> dict[str, bytes]:
    """Return reports as rows of the inbox, oldest first, by an id of ours."""
    since_ms = int(since.timestamp() * 1000)
    found: list[tuple[int, str, bytes]] = []
    for path, prefix in (
        ("event_reports", REPORT_OF_EVENT),
        ("user_reports", REPORT_OF_USER),
    ):
        for report in _listed(homeserver, path, since_ms):
            body = msgspec.json.encode(report)
            found.append((int(report["received_ts"]), f"{prefix}{report['id']}", body))
    return {name: body for _, name, body in sorted(found)}


def _listed(homeserver: Homeserver, path: str, since_ms: int) -> list[dict[str, Any]]:
    try:
        return list(homeserver.reports(path, since_ms))
    except RefusedError as refusal:
        # An older homeserver has no list of reports about accounts.
        if refusal.code == "M_UNRECOGNIZED" and path == "user_reports":
            return []
        raise
