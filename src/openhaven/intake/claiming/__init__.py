"""Events that wait for the line, and those that it stumbled over."""

from openhaven.intake.claiming.actions import (
    claim,
    claim_up_to,
    record,
    retry_stuck,
    stumble,
    tally,
)

__all__ = ["claim", "claim_up_to", "record", "retry_stuck", "stumble", "tally"]
