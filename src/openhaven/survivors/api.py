"""The API of survivors: a platform passes on that somebody is threatened, and vouches for who."""

from typing import Annotated

import msgspec

from openhaven import intake, survivors
from openhaven.core import Problem
from openhaven.core.shapes import Id
from openhaven.intake.model import Short
from openhaven.survivors.model import Age
from openhaven.web import Answer, Call
from openhaven.web.call import as_json


class ThreatTold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the holder of `account` says of `other`; the platform has signed that person in."""

    account: Id
    other: Id | None = None
    item: Id | None = None
    text: Annotated[str, msgspec.Meta(max_length=10_000)] = ""
    contact: Annotated[str, msgspec.Meta(max_length=320)] = ""
    danger: bool = False
    age: Age = "unsaid"
    freeze: bool = True


class ThreatAnswer(msgspec.Struct, frozen=True):
    """The code to be shown to the person alone, and whether contact is frozen from now on."""

    code: str
    status_url: str
    frozen: bool
    help_url: Short


def post_threat(call: Call) -> Answer:
    """`POST /v1/threats`: take what a person tells, and freeze contact with who threatens."""
    told = call.json(ThreatTold)
    if told.contact and intake.email_of(told.contact) is None:
        raise Problem("request.contact", "This is no e-mail address.", "at `$.contact`",
                      next_step="Mend it, or leave it out.")  # fmt: skip
    if told.other == told.account:
        raise Problem("threat.self", "An account cannot threaten itself.", "at `$.other`",
                      next_step="Name the other account, or leave it out.")  # fmt: skip
    threat = survivors.Threat(
        account=told.other or "", item=told.item or "", text=told.text, contact=told.contact,
        danger=told.danger, age=told.age, reporter=told.account, freeze=told.freeze,
    )  # fmt: skip
    url = call.haven.settings.url
    with call.haven.db.begin(call.actor, call.now) as tx:
        platform = intake.platform_named(tx, call.platform)
        made = survivors.tell_threat(tx, platform, threat, f"{call.platform}:{told.account}")
        frozen = survivors.status(tx, made.code).frozen
    call.haven.protections.snapshot.forget(call.platform, told.account)
    answer = ThreatAnswer(made.code, f"{url}/request/{made.code}", frozen, f"{url}/threat")
    return as_json(answer, 201)
