"""What the line knew of an event and nobody can work out again: kept, so that packs can be tried.

Terms and lists of links are looked for again with the lists of the pack that is tried. What banks
and plugins found, what failed, what counters and labels said and which rules were held back is
kept here, sealed for the event's subject, for `retention.features` days. It holds no content.
"""

from openhaven.policy.features.actions import forget_features, keep
from openhaven.policy.features.model import Kept, opened
from openhaven.policy.features.who import Known, again, as_known, difference

__all__ = [
    "Kept",
    "Known",
    "again",
    "as_known",
    "difference",
    "forget_features",
    "keep",
    "opened",
]
