"""What works between us and a homeserver, step by step, each with what to do if it does not."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from openhaven.connectors.matrix import catching_up, store
from openhaven.connectors.matrix.client import ADMIN, AwayError, Homeserver, RefusedError
from openhaven.connectors.matrix.model import SENDER, Server
from openhaven.connectors.matrix.registration import SERVICE
from openhaven.connectors.model import Wiring
from openhaven.core import utcnow


class Line(NamedTuple):
    """One thing that was looked at: whether it works, what it is, and what to do if not."""

    works: bool
    words: str
    next_step: str = ""


def look(wiring: Wiring, server: Server) -> Iterator[Line]:
    """Yield what works; stops where nothing further can work."""
    asks = Homeserver(wiring.http, server)
    steps: tuple[tuple[str, Callable[[], object], str], ...] = (
        (
            "The homeserver answers.",
            lambda: asks.ask("GET", "/_matrix/client/versions"),
            f"Is Synapse running, and is {server.url} its address for clients?",
        ),
        (
            f"It knows us, and the account {server.sender} exists.",
            lambda: asks.register_sender(SENDER, f"Moderation of {server.server_name}"),
            "Add the two lines to homeserver.yaml that `openhaven matrix connect` printed, and "
            "restart Synapse.",
        ),
        (
            "It reaches us.",
            lambda: asks.ask("POST", f"/_matrix/client/v1/appservice/{SERVICE}/ping"),
            f"Is `openhaven serve` running, and does {wiring.settings.url} lead to it from there?",
        ),
        (
            "Our account is a server administrator: reports, files and accounts can be handled.",
            lambda: asks.ask("GET", f"{ADMIN}/event_reports?limit=1"),
            f"Let {server.sender} be one: PUT /_synapse/admin/v1/users/{server.sender}/admin with "
            '{"admin": true} and the token of an administrator.',
        ),
        (
            "It can show us a message by its id.",
            lambda: _new_enough(asks),
            "Upgrade Synapse; without it nothing can be removed.",
        ),
    )
    for words, step, next_step in steps:
        try:
            step()
        except (AwayError, RefusedError) as error:
            yield Line(False, words, f"{error} {next_step}")
            if isinstance(error, AwayError) and not error.answered:
                return
        else:
            yield Line(True, words)
    yield from _inbox(wiring, server)
    yield _behind(wiring, server)


def _new_enough(asks: Homeserver) -> None:
    if not asks.can_fetch_events():
        raise RefusedError(404, "M_UNRECOGNIZED", "This Synapse is too old, or we are no admin.")


def _behind(wiring: Wiring, server: Server) -> Line:
    """Say whether something from around a restart of the homeserver is still to be read."""
    with wiring.db.read() as tx:
        found = catching_up.standing(tx, server.platform)
    if found.owed:
        left = "its list of rooms" if found.listing else f"{found.rooms} rooms"
        return Line(
            found.error is None,
            f"After a restart, what was said since {found.since} is read again: {left} to go.",
            f"It is tried again by itself. Last error: {found.error}",
        )
    if found.done_at is None:
        return Line(True, "Nothing has to be read again.")
    return Line(
        True,
        f"What was said around its last restart was read again by {found.done_at}: "
        f"{found.events} events had not been sent to us.",
    )


def _inbox(wiring: Wiring, server: Server) -> Iterator[Line]:
    with wiring.db.read() as tx:
        health = store.health(tx, server.platform)
    late = health.oldest is not None and (utcnow() - health.oldest).total_seconds() > 60
    said = f" Last error: {health.last_error}" if health.last_error else ""
    yield Line(
        not late,
        f"{health.waiting} events wait to be handed to the line.",
        f"The oldest has waited since {health.oldest}. Is `openhaven work` running?{said}",
    )
    yield Line(
        health.stuck == 0,
        f"{health.stuck} events were set aside since they could not be read.",
        f"Look at the error, then: openhaven matrix retry {server.name}.{said}",
    )
    basis = server.private_basis
    yield Line(
        True,
        f"Private rooms: content is looked at, on this basis: {basis}"
        if basis
        else "Private rooms: content is not looked at, since no legal basis is recorded.",
    )
