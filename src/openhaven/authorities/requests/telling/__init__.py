"""Telling people whose data was given: at once, or later on a dated ground that ends by itself."""

from openhaven.authorities.requests.telling.actions import KIND, ask_longer, by_hand, intend, settle
from openhaven.authorities.requests.telling.jobs import tell_due

__all__ = ["KIND", "ask_longer", "by_hand", "intend", "settle", "tell_due"]
