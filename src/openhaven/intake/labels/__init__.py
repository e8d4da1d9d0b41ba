"""Labels: words that rules put on accounts and items for a time, for other rules and for staff.

A label says what was noticed, never that somebody did wrong. It ends by itself.
"""

from openhaven.intake.labels.actions import Note, give_labels, remove_labels
from openhaven.intake.labels.store import Labels, labels_about, labels_on

__all__ = ["Labels", "Note", "give_labels", "labels_about", "labels_on", "remove_labels"]
