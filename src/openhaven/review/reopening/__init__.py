"""Reopening: what was decided before is put before a person again, another one than before."""

from openhaven.review.reopening.actions import (
    decide_anew,
    let_same_look_again,
    reopen_task,
)

__all__ = ["decide_anew", "let_same_look_again", "reopen_task"]
