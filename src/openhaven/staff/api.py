"""A signed-in member of staff over HTTP: who they are, and the token that their writes carry."""

import msgspec

from openhaven.web import Answer, Call, as_json


class SessionAnswer(msgspec.Struct):
    """Who is signed in; `csrf` goes into the header X-CSRF-Token of every write."""

    id: str
    name: str
    roles: tuple[str, ...]
    csrf: str


def get_session(call: Call) -> Answer:
    """`GET /console/api/session`: who is signed in with this cookie."""
    assert call.staff is not None  # the gate lets nobody else in
    member = call.staff
    return as_json(SessionAnswer(member.id, member.name, member.roles, call.csrf))
