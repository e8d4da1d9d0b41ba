"""Handing: a task goes to a colleague or back, rests, is escalated, or gets a second opinion."""

from openhaven.review.handing.actions import (
    ask_opinion,
    escalate,
    hand_over,
    say_opinion,
    snooze,
)
from openhaven.review.handing.store import asked, colleagues, notes

__all__ = [
    "ask_opinion",
    "asked",
    "colleagues",
    "escalate",
    "hand_over",
    "notes",
    "say_opinion",
    "snooze",
]
