"""Copies of what was removed on request: looked for by banks that only ask a person."""

from openhaven.survivors.copies.actions import bank_for, forget_hashes, learn, unlearn

__all__ = ["bank_for", "forget_hashes", "learn", "unlearn"]
