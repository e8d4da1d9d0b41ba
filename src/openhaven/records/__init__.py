"""People's data and how long it is kept: retention, and erasure that keeps proofs valid."""

from openhaven.records.actions import forget
from openhaven.records.erasure import erase
from openhaven.records.jobs import retain

__all__ = ["erase", "forget", "retain"]
