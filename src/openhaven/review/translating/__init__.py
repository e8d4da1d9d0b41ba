"""Translating: a text put into the reviewers' language by a service of the operator's choice.

It is off until an address is set, because then texts leave the house. Who asks is in the ledger. It
is shown beside the original and never instead of it, and where it fails, work goes on without.
"""

from openhaven.review.translating.actions import note_leaving, translate
from openhaven.review.translating.adapters import kinds
from openhaven.review.translating.model import Asked, Translated

__all__ = ["Asked", "Translated", "kinds", "note_leaving", "translate"]
