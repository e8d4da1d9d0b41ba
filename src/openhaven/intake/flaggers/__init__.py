"""Trusted flaggers (DSA, Article 22): keys that send reports only, and only of their harms.

What they report comes first. How often something was done about it is published, and is a ground to
take a key back. That somebody has the status is the coordinator's word, not ours.
"""

from openhaven.intake.flaggers.actions import issue
from openhaven.intake.flaggers.store import Flagger, flagger_of, flaggers

__all__ = ["Flagger", "flagger_of", "flaggers", "issue"]
