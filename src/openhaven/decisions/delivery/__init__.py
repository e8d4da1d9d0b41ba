"""Delivery: what was intended is carried out, tried for hours, and never given up in silence."""

from openhaven.decisions.delivery.actions import (
    Letter,
    claim_acts,
    claim_letters,
    finish_act,
    finish_letter,
    replay_act,
    replay_letter,
    report_outcome,
)

__all__ = [
    "Letter",
    "claim_acts",
    "claim_letters",
    "finish_act",
    "finish_letter",
    "replay_act",
    "replay_letter",
    "report_outcome",
]
