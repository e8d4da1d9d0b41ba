"""What was decided: the decision with its reasons, its acts, its notices, and the appeal.

A decision is complete or it does not exist: the database refuses it. What shall happen is stored as
*intended* in the same transaction; workers carry it out and store how it went.
"""

from openhaven.decisions.actions import (
    Letter,
    Voice,
    appeal,
    cancel_expired,
    claim_acts,
    claim_letters,
    decide,
    finish_act,
    finish_letter,
    overturn,
    reject,
    replay_act,
    report_outcome,
)
from openhaven.decisions.model import Act, Decision, Draft
from openhaven.decisions.store import (
    Notice,
    acts_of,
    appeal_token,
    decision,
    decision_of_token,
    notice_text,
)

__all__ = [
    "Act",
    "Decision",
    "Draft",
    "Letter",
    "Notice",
    "Voice",
    "acts_of",
    "appeal",
    "appeal_token",
    "cancel_expired",
    "claim_acts",
    "claim_letters",
    "decide",
    "decision",
    "decision_of_token",
    "finish_act",
    "finish_letter",
    "notice_text",
    "overturn",
    "reject",
    "replay_act",
    "report_outcome",
]
