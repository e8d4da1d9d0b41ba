"""Holds by legal ground, and the end of what none stands on.

A hold outlives erasure and retention and ends by itself. What no hold keeps any more is destroyed:
its keys first, with a ledger entry; the sealed bytes, which nobody can open then, by the job.
"""

from openhaven.evidence.holding.actions import (
    end_over,
    forget_case,
    hold,
    let_go,
    mark_kept,
    note_removed,
    release_hold,
    renew,
)

__all__ = [
    "end_over",
    "forget_case",
    "hold",
    "let_go",
    "mark_kept",
    "note_removed",
    "release_hold",
    "renew",
]
