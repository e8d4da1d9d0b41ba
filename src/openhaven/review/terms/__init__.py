"""Terms: what a reviewer says besides the outcome. How it is restricted, where it holds, from when,
whether the person is told later, and the six answers that a removal as incitement rests on.
"""

from openhaven.review.terms.actions import keep, keep_six
from openhaven.review.terms.model import (
    INCITEMENT,
    MEASURES,
    NO_TERMS,
    QUESTIONS,
    Later,
    Measure,
    Six,
    Terms,
    check,
)

__all__ = [
    "INCITEMENT",
    "MEASURES",
    "NO_TERMS",
    "QUESTIONS",
    "Later",
    "Measure",
    "Six",
    "Terms",
    "check",
    "keep",
    "keep_six",
]
