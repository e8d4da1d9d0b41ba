"""Duties: who must be told of a case by the law, until when, and how each duty ended.

A duty ends in one of three ways: an authority gave its report a reference, the report to another
authority counts for it as well, or somebody gave a reason why nothing is reported, and a second
person agreed. There is no fourth way, and nothing ends one in silence.
"""

from openhaven.authorities.duties.actions import close, cover, open, reported, settle
from openhaven.authorities.duties.model import GROUNDS, STATES, Duty
from openhaven.authorities.duties.store import duty, listed, reason
from openhaven.authorities.duties.store import listed as list

__all__ = [
    "GROUNDS",
    "STATES",
    "Duty",
    "close",
    "cover",
    "duty",
    "list",
    "listed",
    "open",
    "reason",
    "reported",
    "settle",
]
