"""Authorities: who must be told by law, what they are told, and that it arrived exactly once.

A case that the law asks to report opens duties with clocks (`duties`), one for each jurisdiction
that is concerned; a report to one authority may count for another. A filing is written by a
specialist from what the case holds, each statement with its source, and sent by a machine that
stores its intent before each step and the receipt after, so that a crash at any point leaves one
finished report and not two. Nobody but a person presses the button.
"""

from openhaven.authorities import duties
from openhaven.authorities.actions import due, file, note_calls, withdraw, write
from openhaven.authorities.jobs import compare_schema, send, settle
from openhaven.authorities.model import Filing
from openhaven.authorities.router import Facts, Told, route
from openhaven.authorities.store import counted, filing, filing_of, filings, median_hours

__all__ = [
    "Facts",
    "Filing",
    "Told",
    "compare_schema",
    "counted",
    "due",
    "duties",
    "file",
    "filing",
    "filing_of",
    "filings",
    "median_hours",
    "note_calls",
    "route",
    "send",
    "settle",
    "withdraw",
    "write",
]
