"""Who reports without ground again and again: warned first, then slower, and never silenced.

It concerns only who can be known again by the platform's account. An address that somebody gave is
no proof of who they are: it warns and slows nobody.
What is reported about children, or with a danger to life, is never slower, whoever reports it.
"""

from openhaven.intake.conduct.actions import note
from openhaven.intake.conduct.model import WARNED, Conduct, slower

__all__ = ["WARNED", "Conduct", "note", "slower"]
