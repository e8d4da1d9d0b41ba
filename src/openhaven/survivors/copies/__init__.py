"""Copies of what was removed on request: looked for by banks that only ask a person."""

from openhaven.survivors.copies.actions import (
    bank_for,
    forget_hashes,
    learn,
    unlearn,
    unlearn_overturned,
)

__all__ = ["bank_for", "forget_hashes", "learn", "unlearn", "unlearn_overturned"]
