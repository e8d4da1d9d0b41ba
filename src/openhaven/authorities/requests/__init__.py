"""Lawful requests: what authorities ask of the service, and what they get, if anything.

A request is believed by nobody: who asks is called back at a number that is not in the letter, the
law is looked at, what may be given is narrowed to kinds of data × accounts × a span of time, and a
second person agrees to exactly that. What is given is sealed to the authority's key. The person
concerned is told, or told later on a dated ground that ends by itself. Clocks call by themselves,
and every step is in the ledger; the public sees the counts.
"""

from openhaven.authorities.requests.actions import (
    add_file,
    check_law,
    locked,
    note_check,
    read_file,
    receive,
    refuse,
    set_key,
    step,
    withdraw,
)
from openhaven.authorities.requests.clocks import call_for_life, note_due
from openhaven.authorities.requests.jobs import tend
from openhaven.authorities.requests.model import Asked, Request, Subject, Wanted
from openhaven.authorities.requests.telling import tell_due

__all__ = [
    "Asked",
    "Request",
    "Subject",
    "Wanted",
    "add_file",
    "call_for_life",
    "check_law",
    "locked",
    "note_check",
    "note_due",
    "read_file",
    "receive",
    "refuse",
    "set_key",
    "step",
    "tell_due",
    "tend",
    "withdraw",
]
