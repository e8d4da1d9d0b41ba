"""Calling staff, by a signed webhook and by e-mail: stored before sent, and sent until taken."""

from openhaven.survivors.alerts.actions import call_staff
from openhaven.survivors.alerts.jobs import send_alerts

__all__ = ["call_staff", "send_alerts"]
