"""The API of decisions made outside, and of appeals that a platform passes on. Thin."""

from datetime import datetime
from typing import Annotated

import msgspec

from openhaven import decisions
from openhaven.core import Problem
from openhaven.decisions import Decision
from openhaven.decisions.appeals import Reported, decided_on, reported
from openhaven.decisions.outside import Outside, decide_outside
from openhaven.decisions.views import appeals_of
from openhaven.exchange import returning
from openhaven.storage import Tx
from openhaven.web.call import Answer, Call, as_json


class OutsideAnswer(msgspec.Struct):
    """The decision as it is stored, with the pages of the person."""

    decision: str
    appeal_url: str
    receipt: str


class AppealGiven(msgspec.Struct, forbid_unknown_fields=True):
    """What the person says against the decision.

    `receipt` is that of a report: then it is of who reported, and against nothing having been done.
    """

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
    receipt: Annotated[str, msgspec.Meta(max_length=100)] | None = None


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
        if new:
            returning.intend(tx, made)
        url = f"{haven.settings.url}/appeal/{decisions.appeal_token(tx, made.id)}"
    return as_json(OutsideAnswer(made.id, url, f"{url}/receipt"), 201 if new else 200)


def post_appeal(call: Call) -> Answer:
    """Pass on an appeal of the person; the same words sent again are the same appeal."""
    given = call.json(AppealGiven)
    text = given.text
    with call.haven.db.begin(call.actor, call.now) as tx:
        made = decisions.decision(tx, call.path["id"], platform=call.platform)
        # Waits for another appeal that is being stored, so that it is seen.
        tx.run("SELECT 1 FROM decisions WHERE id = %(d)s FOR UPDATE", d=made.id)
        report = _report(tx, made, given.receipt)
        side = report.id if report else None
        known = [one for one in appeals_of(tx, made.id)
                 if one.report == side and one.text == text.strip()]  # fmt: skip
        if not known:
            decisions.appeal(tx, made, text, report)
            known, new = [one for one in appeals_of(tx, made.id) if one.report == side], True
        else:
            new = False
        stored = known[-1]
        token = decisions.appeal_token(tx, made.id)
    url = f"{call.haven.settings.url}/appeal/{token}"
    shown = AppealAnswer(stored.id, stored.state, stored.due_at, url)
    return as_json(shown, 201 if new else 200)


def _report(tx: Tx, made: Decision, receipt: str | None) -> Reported | None:
    """Return the report of a receipt; raises `Problem` (404) for one about something else."""
    if receipt is None:
        return None
    found = reported(tx, receipt)
    about = decided_on(tx, found)
    if found.platform != made.platform or about is None or about.id != made.id:
        raise Problem("report.unknown", "No report with this receipt is about this decision.",
                      status=404, next_step="Check the receipt.")  # fmt: skip
    return found
