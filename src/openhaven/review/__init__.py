"""People look: cases, tasks in queues, claims with a lease, judgements, and what was revealed.

A judgement is a row that the line picks up; this room decides nothing by itself.
"""

from openhaven.review.actions import (
    cancel_appeal_task,
    case_for,
    claim,
    close_case,
    judge,
    open_appeal_task,
    open_task,
    release,
    return_leases,
    reveal,
    settled,
    waiting_judgements,
)
from openhaven.review.model import Given

__all__ = [
    "Given",
    "cancel_appeal_task",
    "case_for",
    "claim",
    "close_case",
    "judge",
    "open_appeal_task",
    "open_task",
    "release",
    "return_leases",
    "reveal",
    "settled",
    "waiting_judgements",
]
