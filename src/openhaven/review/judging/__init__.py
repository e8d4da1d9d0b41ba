"""Judging: what a reviewer says, taken back within half a minute, or settled by the line."""

from openhaven.review.judging.actions import (
    end_own,
    judge,
    settled,
    take_back,
    waiting_judgements,
)

__all__ = ["end_own", "judge", "settled", "take_back", "waiting_judgements"]
