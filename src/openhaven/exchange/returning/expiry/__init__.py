"""The end of what is kept: by time, by the decision, by an agreement; each with a ledger entry."""

from openhaven.exchange.returning.expiry.actions import expire, tell_ends

__all__ = ["expire", "tell_ends"]
