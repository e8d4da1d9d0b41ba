"""Appeals: another person looks, and what was wrong is undone in one transaction."""

from openhaven.decisions.appeals.actions import (
    appeal,
    cancel_expired,
    overturn,
    reject,
    stop_holding_back,
    take_back,
    take_back_rules,
)

__all__ = [
    "appeal",
    "cancel_expired",
    "overturn",
    "reject",
    "stop_holding_back",
    "take_back",
    "take_back_rules",
]
