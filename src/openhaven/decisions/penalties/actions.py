"""Verbs of penalties: fit a suspension to the ladder, and ask a second person."""

from msgspec.structs import replace

from openhaven import review
from openhaven.decisions.model import Draft
from openhaven.decisions.penalties.store import answered, step_for
from openhaven.staff import approvals
from openhaven.storage import Tx

TERMINATION = "termination"


def fit(tx: Tx, draft: Draft) -> Draft:
    """Return the draft with a suspension that is no longer than the account's step allows.

    Strikes may have been lifted or have expired since somebody judged: then the milder one holds.
    """
    if draft.outcome != "suspend" or draft.account is None:
        return draft
    step = step_for(tx, draft.platform, draft.account, draft.harm)
    return replace(draft, until=step.cut(draft.until, tx.now))


def asks_second(tx: Tx, given: review.Given, draft: Draft) -> bool:
    """Say whether a judgement has to wait for a second person, and ask for one if so.

    That is when it would end an account for good. It is asked once; whoever agrees lets the
    judgement be settled, and whoever refuses puts the matter before a person again.
    """
    if draft.outcome != "suspend" or fit(tx, draft).until is not None:
        return False
    if approvals.state_of(tx, TERMINATION, given.id) is None:
        approvals.ask(tx, TERMINATION, given.id, given.facts[:2_000], by=given.staff)
    # Without a second person who agreed, it waits again, whoever turned it back.
    return not approvals.approved(tx, TERMINATION, given.id) and review.wait(tx, given.id)


def follow(tx: Tx) -> int:
    """Let what a second person agreed to go on, and put before a person again what was refused or
    lapsed; return how many there were.
    """
    found = answered(tx)
    for judgement, agreed in found:
        if agreed:
            review.go_on(tx, judgement)
        else:
            review.ask_again(tx, judgement)
    return len(found)
