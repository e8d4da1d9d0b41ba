"""Staffing: whether one person works here, two, or a team; and who else could be asked.

The operator says it in the settings; it is checked against who works here whenever it would spare
somebody a second person, so that it can never do so where there is one.
"""

from openhaven.staff.staffing.actions import set_staffing
from openhaven.staff.staffing.store import differs, somebody_else, staffing

__all__ = ["differs", "set_staffing", "somebody_else", "staffing"]
