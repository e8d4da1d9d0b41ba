"""Events that wait for the line, and those that it stumbled over."""

from openhaven.intake.claiming.actions import claim, record, retry_stuck, stumble, tally

__all__ = ["claim", "record", "retry_stuck", "stumble", "tally"]
