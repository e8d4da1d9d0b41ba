"""Sending our own entries of a bank to a service that shares them with others.

Nothing is sent by itself. Somebody asks for it, a second person agrees, and then the entries that
the bank had at that moment are sent, each on record. When one of them is withdrawn here, that is
sent, too. Only services whose protocol for this is public are sent to: ThreatExchange and StopNCII.
"""

from openhaven.exchange.sending.actions import ask, recall_withdrawn, take_back
from openhaven.exchange.sending.jobs import send_entries
from openhaven.exchange.sending.model import Given, Offer, Taker
from openhaven.exchange.sending.store import sendings, undone

__all__ = [
    "Given",
    "Offer",
    "Taker",
    "ask",
    "recall_withdrawn",
    "send_entries",
    "sendings",
    "take_back",
    "undone",
]
