"""CyberTipline: from a case to a finished report at NCMEC, exactly once.

`compose` makes a report of what a case holds, `check` holds it against the authority's schema, the
documented rules and our own, and `send_due` carries it on: open, upload each file and compare the
returned MD5, state its details, finish. Intent before each step, receipt after; what is found after
a crash says what to do (`machine.next_step`).
"""

from openhaven.authorities.cybertip.actions import accept_schema, set_account
from openhaven.authorities.cybertip.body import Body, FilePlan
from openhaven.authorities.cybertip.check import check
from openhaven.authorities.cybertip.compose import compose
from openhaven.authorities.cybertip.entered import Entered, entered_in, kept
from openhaven.authorities.cybertip.fetching import fetch_schema
from openhaven.authorities.cybertip.sender import send_due, send_next
from openhaven.authorities.cybertip.wire import Account, Server, is_here, is_test

__all__ = [
    "Account",
    "Body",
    "Entered",
    "FilePlan",
    "Server",
    "accept_schema",
    "check",
    "compose",
    "entered_in",
    "fetch_schema",
    "is_here",
    "is_test",
    "kept",
    "send_due",
    "send_next",
    "set_account",
]
