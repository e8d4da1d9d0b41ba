"""Reports of people: a report becomes an event, so that there is one line."""

from openhaven.intake.reports.actions import accept_report
from openhaven.intake.reports.model import category_of

__all__ = ["accept_report", "category_of"]
