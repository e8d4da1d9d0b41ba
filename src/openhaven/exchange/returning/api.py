"""The API of re-registration: what is wanted, what is handed over, what holds. Thin."""

from datetime import datetime

import msgspec

from openhaven.exchange import returning
from openhaven.exchange.returning import store
from openhaven.exchange.returning.actions import HandedOver
from openhaven.intake.model import Identifiers
from openhaven.line.returning import page_of
from openhaven.web.call import Answer, Call, as_json


class Given(msgspec.Struct, forbid_unknown_fields=True):
    """What an ended account can be known again by."""

    identifiers: Identifiers


class Wanted(msgspec.Struct, frozen=True):
    """An ended account of which identifiers may be handed over, until when."""

    decision: str
    until: datetime


class Standing(msgspec.Struct, frozen=True):
    """What holds for a newcomer now: whether to ask for more, until when, and their page."""

    strength: str
    friction: bool
    until: datetime | None
    cleared: bool
    contest_url: str | None


def get_wanted(call: Call) -> Answer:
    """`GET /v1/returning`: which ended accounts are waited for, with no name of anybody."""
    with call.haven.db.read(call.now) as tx:
        found = store.wanted(tx, call.platform)
    return as_json([Wanted(one.decision, one.wanted_until) for one in found
                    if one.decision and one.wanted_until])  # fmt: skip


def put_identifiers(call: Call) -> Answer:
    """`PUT /v1/decisions/{id}/identifiers`: hand over what an ended account is known by."""
    given = call.json(Given)
    with call.haven.db.begin(call.actor, call.now) as tx:
        made: HandedOver = returning.hand_over(
            tx, call.platform, call.path["id"], given.identifiers
        )
    return as_json(made)


def get_standing(call: Call) -> Answer:
    """`GET /v1/returning/{account}`: what holds for a newcomer now."""
    with call.haven.db.read(call.now) as tx:
        found = store.sightings_of(tx, call.platform, call.path["account"])
        if not found:
            return as_json(Standing("none", False, None, False, None))
        one = next((met for met in found if met.friction), found[0])
        told = one.strength in ("household", "strong")
        url = page_of(call.haven, tx, one.id) if told else None
    until = one.friction_until if one.friction else None
    return as_json(Standing(one.strength, one.friction, until, one.cleared_at is not None, url))
