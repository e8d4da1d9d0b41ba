"""People look: cases, tasks in queues, claims with a lease, judgements, and what was revealed.

A judgement is a row that the line picks up; this room decides nothing by itself.
"""

from openhaven.review.actions import (
    cancel_appeal_task,
    case_for,
    claim,
    claim_next,
    close_case,
    open_appeal_task,
    open_task,
    release,
    return_leases,
)
from openhaven.review.clocks import Clock, run_clocks
from openhaven.review.judging import end_own, judge, settled, take_back, waiting_judgements
from openhaven.review.model import Given
from openhaven.review.waiting import ask_again, go_on, wait
from openhaven.review.wellbeing import reveal

__all__ = [
    "Clock",
    "Given",
    "ask_again",
    "cancel_appeal_task",
    "case_for",
    "claim",
    "claim_next",
    "close_case",
    "end_own",
    "go_on",
    "judge",
    "open_appeal_task",
    "open_task",
    "release",
    "return_leases",
    "reveal",
    "run_clocks",
    "settled",
    "take_back",
    "wait",
    "waiting_judgements",
]
