"""The API of decisions made outside, and of appeals that a platform passes on. Thin."""

from datetime import datetime
from typing import Annotated

import msgspec

from openhaven import decisions
from openhaven.decisions.outside import Outside, decide_outside
from openhaven.decisions.views import appeals_of
from openhaven.web.call import Answer, Call, as_json


class OutsideAnswer(msgspec.Struct):
    """The decision as it is stored, with the pages of the person."""

    decision: str
    appeal_url: str
    receipt: str


class AppealGiven(msgspec.Struct, forbid_unknown_fields=True):
    """What the person says against the decision."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]


class AppealAnswer(msgspec.Struct):
    """The appeal, by when it is answered, and the page that shows the answer."""

    appeal: str
    state: str
    due_at: datetime
    url: str


def post_decision(call: Call) -> Answer:
    """Store a decision that the platform made, wholly or not at all."""
    given, haven = call.json(Outside), call.haven
    with haven.db.begin(call.actor, call.now) as tx:
        made, new = decide_outside(
            tx, call.platform, given, haven.voice, haven.packs.current.fingerprint
        )
        url = f"{haven.settings.url}/appeal/{decisions.appeal_token(tx, made.id)}"
    return as_json(OutsideAnswer(made.id, url, f"{url}/receipt"), 201 if new else 200)


def post_appeal(call: Call) -> Answer:
    """Pass on an appeal of the person; the same words sent again are the same appeal."""
    text = call.json(AppealGiven).text
    with call.haven.db.begin(call.actor, call.now) as tx:
        made = decisions.decision(tx, call.path["id"], platform=call.platform)
        # Waits for another appeal that is being stored, so that it is seen.
        tx.run("SELECT 1 FROM decisions WHERE id = %(d)s FOR UPDATE", d=made.id)
        known = [one for one in appeals_of(tx, made.id) if one.text == text.strip()]
        if not known:
            decisions.appeal(tx, made, text)
        stored = appeals_of(tx, made.id)[-1]
        token = decisions.appeal_token(tx, made.id)
    url = f"{call.haven.settings.url}/appeal/{token}"
    shown = AppealAnswer(stored.id, stored.state, stored.due_at, url)
    return as_json(shown, 200 if known else 201)
