"""What was decided: the decision with its reasons, its acts, its notices, and the appeal.

A decision is complete or it does not exist: the database refuses it. What shall happen is stored as
*intended* in the same transaction; workers carry it out and store how it went.
"""

from openhaven.decisions import withholding
from openhaven.decisions.actions import Voice, decide, verbs_of
from openhaven.decisions.appeals import (
    appeal,
    cancel_expired,
    overturn,
    reject,
    stop_holding_back,
    take_back,
    take_back_rules,
)
from openhaven.decisions.delivery import (
    Letter,
    claim_acts,
    claim_letters,
    finish_act,
    finish_letter,
    replay_act,
    replay_letter,
    report_outcome,
)
from openhaven.decisions.model import HELD_BY, HELD_DUE, HELD_FOR, Act, Decision, Draft
from openhaven.decisions.rabat import softened, waits
from openhaven.decisions.receipts import receipt_of
from openhaven.decisions.store import (
    Notice,
    acts_of,
    appeal_token,
    decision,
    decision_of_token,
    notice_text,
)
from openhaven.decisions.strikes import CHILD_HARMS, Strike, counting, strike_of

__all__ = [
    "CHILD_HARMS",
    "HELD_BY",
    "HELD_DUE",
    "HELD_FOR",
    "Act",
    "Decision",
    "Draft",
    "Letter",
    "Notice",
    "Strike",
    "Voice",
    "acts_of",
    "appeal",
    "appeal_token",
    "cancel_expired",
    "claim_acts",
    "claim_letters",
    "counting",
    "decide",
    "decision",
    "decision_of_token",
    "finish_act",
    "finish_letter",
    "notice_text",
    "overturn",
    "receipt_of",
    "reject",
    "replay_act",
    "replay_letter",
    "report_outcome",
    "softened",
    "stop_holding_back",
    "strike_of",
    "take_back",
    "take_back_rules",
    "verbs_of",
    "waits",
    "withholding",
]
