"""A cry for help that names nobody: a specialist reads it, and says whom it is about.

Nothing can be done to anybody for it until then; what is named becomes a report of its own, so that
everything further goes the way of all reports.
"""

from openhaven.survivors.unnamed.actions import name_them

__all__ = ["name_them"]
