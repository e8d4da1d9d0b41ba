"""The API of appeals against an age. Thin."""

from datetime import datetime
from typing import Annotated

import msgspec

from openhaven.core import AgeBand
from openhaven.core.shapes import Language
from openhaven.protections import accounts, appeals
from openhaven.protections.appeals.model import LONGEST, Appeal, State
from openhaven.storage import Tx
from openhaven.web.call import Answer, Call, as_json


class Said(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which band the person says is right, and why, in their own words."""

    band: AgeBand
    text: Annotated[str, msgspec.Meta(max_length=LONGEST)]
    language: Language = "en"


class Appealed(msgspec.Struct, frozen=True):
    """How an appeal stands; `decided_band` and `reasons` once it was decided.

    `status_url` is a page for the person alone.
    """

    id: str
    state: State
    band: AgeBand
    status_url: str
    created_at: datetime
    due_at: datetime
    decided_band: AgeBand | None
    reasons: str | None


def post_appeal(call: Call) -> Answer:
    """`POST /v1/protections/{account}/age/appeals`: say that an age is wrong."""
    said = call.json(Said)
    with call.haven.db.begin(call.actor, call.now) as tx:
        made = appeals.appeal(tx, call.platform, call.path["account"], said.band, said.text)
        return as_json(_told(call, tx, made), 201)


def get_appeals(call: Call) -> Answer:
    """`GET /v1/protections/{account}/age/appeals`: all of one account, the newest first."""
    with call.haven.db.read(call.now) as tx:
        profile = accounts.profile_of(tx, call.platform, call.path["account"])
        found = appeals.appeals_of(tx, profile.subject) if profile.subject else []
        return as_json([_told(call, tx, one) for one in found])


def _told(call: Call, tx: Tx, one: Appeal) -> Appealed:
    held = call.haven.settings
    url = f"{held.url}/age/{appeals.token(tx, one.subject, held.age_link_days)}"
    return Appealed(one.id, one.state, one.band, url, one.created_at, one.due_at,
                    one.decided_band, one.reasons)  # fmt: skip
