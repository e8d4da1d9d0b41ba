"""The work of catching up: a few rooms at a time, beside everything else."""

import time

import structlog

from openhaven.connectors.matrix import store as servers
from openhaven.connectors.matrix.catching_up import actions, reading, store
from openhaven.connectors.matrix.catching_up.model import Listing, OwedRoom
from openhaven.connectors.matrix.catching_up.reading import HELD, Missed
from openhaven.connectors.matrix.client import (
    AwayError,
    Homeserver,
    RefusedError,
    TooLargeError,
)
from openhaven.connectors.matrix.model import Server
from openhaven.connectors.model import Wiring
from openhaven.core import system
from openhaven.storage import Tx

log = structlog.get_logger("matrix")

ME = system("matrix")
ROOMS = 20
_LONGEST_REST = 1.0
_Found = tuple[OwedRoom, Missed]


class CatchUp:
    """Reads again, in one process at a time for each homeserver, what is owed."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def step(self) -> int:
        """Do a little of what is owed to every homeserver; return how much was done."""
        with self._wiring.db.read() as tx:
            known = servers.servers(tx)
        return sum(self._step(server) for server in known)

    def _step(self, server: Server) -> int:
        with self._wiring.db.begin(ME) as guard:
            if not guard.lock(f"matrix.catch_up.{server.platform}"):
                return 0
            listing = store.listing(guard, server.platform)
            if listing is not None:
                return self._list(server, listing) if listing.next_at <= guard.now else 0
            return self._read_some(guard, server)

    def _list(self, server: Server, listing: Listing) -> int:
        """Note every room that is to be read, also one that the homeserver's list lacks."""
        platform = server.platform
        try:
            found = set(reading.rooms(Homeserver(self._wiring.http, server)))
        except (AwayError, RefusedError, TooLargeError, ValueError, KeyError) as error:
            with self._wiring.db.begin(ME) as tx:
                actions.not_listed(tx, platform, f"The list of rooms: {error}")
            return 0
        with self._wiring.db.begin(ME) as tx:
            known, ours = store.known_rooms(tx, platform)
            actions.listed(tx, platform, listing, (found | known) - ours)
        return 1

    def _read_some(self, guard: Tx, server: Server) -> int:
        """Read the next rooms, and store what was missing in all of them together."""
        asks, found, held = Homeserver(self._wiring.http, server), list[_Found](), 0
        for owed in store.due(guard, server.platform, ROOMS):
            began = time.monotonic()
            try:
                missed = _missed(guard, asks, server, owed)
            except AwayError as error:
                # Without the homeserver no other room can be read either.
                self._put_off(server, owed, error)
                break
            except (RefusedError, TooLargeError, ValueError, KeyError) as error:
                self._put_off(server, owed, error)
                continue
            found.append((owed, missed))
            held += sum(len(body) for body in missed.events.values())
            if held > HELD:
                break
            # Half of the homeserver's time is left to the people on it.
            time.sleep(min(time.monotonic() - began, _LONGEST_REST))
        if found:
            with self._wiring.db.begin(ME) as tx:
                for owed, missed in found:
                    actions.read(tx, server.platform, owed, missed.events, missed.page)
        return len(found)

    def _put_off(self, server: Server, owed: OwedRoom, error: Exception) -> None:
        log.warning("matrix.room_not_read", platform=server.platform, error=type(error).__name__)
        with self._wiring.db.begin(ME) as tx:
            actions.not_read(tx, server.platform, owed, f"{type(error).__name__}: {error}")


def _missed(tx: Tx, asks: Homeserver, server: Server, owed: OwedRoom) -> Missed:
    try:
        return reading.missed(asks, owed, lambda ids: store.came(tx, server.platform, ids))
    except RefusedError as refusal:
        if refusal.status == 404 and refusal.code == "M_NOT_FOUND":
            return Missed({}, None)  # The room is gone.
        raise
