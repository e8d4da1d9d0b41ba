"""The verb of incitement: hide it for a while, and put it before a senior reviewer."""

from contextlib import suppress
from datetime import timedelta

from openhaven import ledger, review
from openhaven.core import Problem
from openhaven.decisions import penalties
from openhaven.decisions.actions import Voice
from openhaven.decisions.interim import hide
from openhaven.decisions.model import Draft
from openhaven.decisions.rabat.model import needs_six
from openhaven.policy import Clause
from openhaven.storage import Tx

_HIDDEN_FOR = timedelta(days=3)


def waits(tx: Tx, given: review.Given, draft: Draft, clause: Clause, voice: Voice) -> bool:
    """Say whether a judgement has no effect yet: for want of six answers, or of a second person."""
    return asks_six(tx, given, draft, clause, voice) or penalties.asks_second(tx, given, draft)


def asks_six(tx: Tx, given: review.Given, draft: Draft, clause: Clause, voice: Voice) -> bool:
    """Say whether a judgement has no effect because the six answers are missing.

    Then the item is hidden for three days, if it is not yet and the platform can show it again, and
    a senior reviewer judges the matter.
    """
    if not needs_six(draft) or not review.wait(tx, given.id):
        return False
    task = review.ask_again(tx, given.id, level="senior")
    if task is not None:
        ledger.append(tx, "decision.escalated", {"judgement": given.id, "task": task})
    # Where it is hidden already, is no item, or cannot be shown again, it waits as it is.
    with suppress(Problem):
        hide(tx, given, clause, given.pack, given.facts, _HIDDEN_FOR, given.staff, voice)
    return True
