"""Appeals: another person looks, and what was wrong is undone in one transaction."""

from openhaven.decisions.appeals.actions import (
    appeal,
    cancel_expired,
    overturn,
    reject,
    stop_holding_back,
    take_back,
    take_back_rules,
    undo,
)
from openhaven.decisions.appeals.store import Reported, decided_on, reported

__all__ = [
    "Reported",
    "appeal",
    "cancel_expired",
    "decided_on",
    "overturn",
    "reject",
    "reported",
    "stop_holding_back",
    "take_back",
    "take_back_rules",
    "undo",
]
