"""Speaking to people: one room for each of them, made once, in which only we can write."""

from typing import Any
from urllib.parse import quote

from openhaven.connectors.matrix import actions, store
from openhaven.connectors.matrix.client import CLIENT, AwayError, Homeserver, RefusedError
from openhaven.connectors.matrix.model import Room, Server
from openhaven.connectors.model import Wiring
from openhaven.core import new_id, system
from openhaven.core.words import translate
from openhaven.decisions import Act

ME = system("matrix")
_OWN = "openhaven-own"
_MARK = "org.openhaven.act"
_LONGEST = 30_000


def tell(
    wiring: Wiring, server: Server, homeserver: Homeserver, person: str, act: Act, words: str
) -> None:
    """Send `words` to a person, once for each act. Raises `AwayError` and `RefusedError`.

    A homeserver knows the transactions of an application service only until it is restarted (seen
    with Synapse 1.163); so before a repetition we look whether the message has been said.
    """
    room = _room_for(wiring, server, homeserver, person)
    _let_in(server, homeserver, room, person)
    if act.attempts > 1 and homeserver.has_said(room, _MARK, act.id):
        return
    content = {"msgtype": "m.text", "body": words[:_LONGEST], _MARK: act.id}
    homeserver.say(room, act.id, content, "m.room.message")


def nudge(wiring: Wiring, server: Server, homeserver: Homeserver) -> None:
    """Let something happen on the homeserver, in a room of our own that nobody else sees."""
    del wiring
    settings = {"preset": "private_chat", "visibility": "private", "name": "Openhaven"}
    room = _made(server, homeserver, _OWN, settings)
    homeserver.say(room, new_id("own"), {}, "org.openhaven.awake")


def _room_for(wiring: Wiring, server: Server, homeserver: Homeserver, person: str) -> str:
    """Return the room of our notices to a person, which one caller at a time makes.

    Who comes while it is being made has to come again (`AwayError`): Synapse gives out the alias of
    a room before it is complete, and what is said or asked in it then is refused.
    """
    with wiring.db.begin(ME) as guard:
        known = store.room_of_person(guard, server.platform, person)
        if known is not None:
            return known
        # The alias makes the room findable for us after a crash, and for nobody else.
        mark = guard.keys.digest(b"matrix:notices:" + person.encode()).hex()[:32]
        if not guard.lock(f"matrix.notices.{server.platform}.{mark}"):
            raise AwayError("The room for notices to this person is being made.", answered=True)
        return _room_made(wiring, server, homeserver, person, mark)


def _room_made(
    wiring: Wiring, server: Server, homeserver: Homeserver, person: str, mark: str
) -> str:
    # The homeserver does not say what its people read, and the room is made once for all notices.
    language, service = wiring.settings.language, wiring.settings.service_name
    settings: dict[str, Any] = {
        "preset": "private_chat",
        "visibility": "private",
        "is_direct": True,
        "name": translate(language, "Notices from {service}", service=service),
        "topic": translate(
            language,
            "Decisions about your account or what you posted. Nobody reads replies here: each "
            "message says where you can appeal.",
        ),
        "invite": [person],
        "power_level_content_override": {"events_default": 50, "invite": 100, "users_default": 0},
    }
    room = _made(server, homeserver, f"openhaven-notices-{mark}", settings)
    with wiring.db.begin(ME) as tx:
        actions.keep_room(tx, server.platform, Room(room, "private", False, person))
    return room


def _made(server: Server, homeserver: Homeserver, alias: str, settings: dict[str, Any]) -> str:
    """Return the room with this alias, which is made when there is none yet.

    Synapse gives a room its alias before it sends the events that make it one. Where it ended in
    between, the alias leads to a room that nobody can ever speak in: it is given to another one.
    """
    full = f"#{alias}:{server.server_name}"
    known = homeserver.room_of_alias(full)
    if known is not None and _is_whole(homeserver, known):
        return known
    if known is not None:
        homeserver.ask("DELETE", f"{CLIENT}/directory/room/{quote(full, safe='')}")
    try:
        return homeserver.create_room(settings | {"room_alias_name": alias})
    except RefusedError as refusal:
        # Somebody else of us was quicker.
        known = homeserver.room_of_alias(full) if refusal.code == "M_ROOM_IN_USE" else None
        if known is None:
            raise
        return known


def _is_whole(homeserver: Homeserver, room: str) -> bool:
    """Say whether a room of ours was made to its end: its name is among the last things sent."""
    path = f"{CLIENT}/rooms/{quote(room, safe='')}/state/m.room.name/"
    try:
        homeserver.ask("GET", path)
    except RefusedError as refusal:
        if refusal.status in (403, 404):
            return False
        raise
    return True


def _let_in(server: Server, homeserver: Homeserver, room: str, person: str) -> None:
    """Bring a person into their room of notices.

    Who is read-only can accept no invitation, and a statement of reasons has to arrive before that;
    therefore a local account joins without being asked, as with Synapse's own server notices.
    """
    if homeserver.membership(room, person) == "join":
        return
    try:
        homeserver.invite(room, person)
    except RefusedError as refusal:
        if refusal.status != 403:  # 403: invited already.
            raise
    if not person.endswith(":" + server.server_name):
        return
    try:
        homeserver.join(room, person)
    except RefusedError as refusal:
        if refusal.status != 403:  # 403: read-only already; the invitation stands.
            raise
