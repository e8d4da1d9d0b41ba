"""Quality: blind second looks, answers agreed to be right, agreement, and what did not stand."""

from openhaven.review.quality.actions import agree, retire, sample
from openhaven.review.quality.model import alpha
from openhaven.review.quality.store import golden_of, hidden_from, own

__all__ = ["agree", "alpha", "golden_of", "hidden_from", "own", "retire", "sample"]
