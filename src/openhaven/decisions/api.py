"""The API of decisions: the record, its statement, what became of an act. Thin."""

from typing import Annotated, Any, Literal

import msgspec

from openhaven import decisions
from openhaven.decisions import exceptions
from openhaven.decisions.dsa import projection
from openhaven.decisions.model import Decision
from openhaven.decisions.store import act as act_of
from openhaven.storage import Tx
from openhaven.web.call import Answer, Call, as_json

_INTERNAL = {"subject", "judgement", "six", "event", "case_id", "decided_by", "overturned_by"}


class ActOutcome(msgspec.Struct, forbid_unknown_fields=True):
    """What a platform reports about an act that it had accepted."""

    state: Literal["done", "failed"]
    reason: Annotated[str, msgspec.Meta(max_length=2_000)] | None = None


def get_decision(call: Call) -> Answer:
    """Return a decision of the platform with its acts."""
    with call.haven.db.read(call.now) as tx:
        made = decisions.decision(tx, call.path["id"], platform=call.platform)
        return as_json(_record(tx, made))


def _record(tx: Tx, made: Decision) -> dict[str, Any]:
    record = {
        name: value for name, value in msgspec.structs.asdict(made).items() if name not in _INTERNAL
    }
    acts = [
        {"id": act.id, "verb": act.verb, "subject": act.target, "state": act.state,
         "reversible": act.reversible, "reverses": act.reverses, "error": act.last_error}
        for act in decisions.acts_of(tx, made.id)
    ]  # fmt: skip
    return record | {"acts": acts}


def get_statement(call: Call) -> Answer:
    """Return the statement of reasons; `?form=dsa` leaves only what the DSA database takes."""
    with call.haven.db.read(call.now) as tx:
        made = decisions.decision(tx, call.path["id"], platform=call.platform)
        # What a person shall be told later is not told to others who might pass it on.
        later = exceptions.told_at(tx, made.id)
        notice = None if later else decisions.notice_text(tx, made.id)
        token = decisions.appeal_token(tx, made.id)
    public = projection(made)
    if call.query.get("form") == "dsa":
        return as_json(public)
    return as_json((public or {}) | {
        "decision": made.id,
        "outcome": made.outcome,
        "state": made.state,
        "clause": {"anchor": made.clause, "title": made.clause_title, "text": made.clause_text},
        "facts": made.facts,
        "until": made.until,
        "redress": made.redress,
        "measure": made.measure,
        "scope": made.scope,
        "starts_at": made.starts_at,
        "told_at": later,
        "receipt": f"{call.haven.settings.url}/appeal/{token}/receipt",
        "notice": None if notice is None else {
            "title": notice.title, "text": notice.text, "help": notice.help,
            "language": notice.language,
            "appeal_url": f"{call.haven.settings.url}/appeal/{token}"},
    })  # fmt: skip


def get_receipt(call: Call) -> Answer:
    """Return the receipt: what was recorded, with the proof that it stands in the ledger."""
    with call.haven.db.read(call.now) as tx:
        made = decisions.decision(tx, call.path["id"], platform=call.platform)
        return receipt_answer(decisions.receipt_of(tx, made), made.id)


def receipt_answer(text: str, decision: str) -> Answer:
    """Return the answer that is saved as the file of a receipt (C2SP tlog-proof)."""
    named = {"content-disposition": f'attachment; filename="{decision}.tlog-proof"'}
    return Answer(200, text.encode(), "text/plain; charset=utf-8", named)


def post_outcome(call: Call) -> Answer:
    """Take note of what became of an act: done, or failed with a reason for staff.

    The answer says what is stored: what was done or cancelled stays so, whatever comes later.
    """
    outcome = call.json(ActOutcome)
    with call.haven.db.begin(call.actor, call.now) as tx:
        act = act_of(tx, call.path["id"], platform=call.platform)
        decisions.report_outcome(tx, act, outcome.state, outcome.reason)
        stored = act_of(tx, act.id).state
    return as_json({"id": act.id, "state": stored})
