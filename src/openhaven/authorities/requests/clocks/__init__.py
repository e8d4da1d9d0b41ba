"""Clocks of requests: they call by themselves, and louder each time; a life has its own list."""

from openhaven.authorities.requests.clocks.actions import call_contacts, note_due
from openhaven.authorities.requests.clocks.jobs import call_for_life

__all__ = ["call_contacts", "call_for_life", "note_due"]
