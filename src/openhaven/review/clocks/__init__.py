"""Legal clocks that a rule sets: shown on the task, and run out loudly (`then.clock_hours`)."""

from openhaven.review.clocks.actions import run_clocks
from openhaven.review.clocks.model import Clock, stage

__all__ = ["Clock", "run_clocks", "stage"]
