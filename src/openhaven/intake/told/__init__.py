"""What platforms say of their accounts and items in labels: `verified`, `paid`, `trust: 4`.

A label counts for the event that it comes with; with an end (`until`) it is kept and counts for
later events as well, sealed for the person. Only what the pack in force declares is kept.
"""

from openhaven.intake.told.actions import forget_told, keep_told
from openhaven.intake.told.model import PARTS, Told, said_of
from openhaven.intake.told.store import told_of

__all__ = ["PARTS", "Told", "forget_told", "keep_told", "said_of", "told_of"]
