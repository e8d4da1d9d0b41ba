"""Exchange: where bank entries come from by themselves, and where our own go. Only hashes, ever.

A source is read page by page; a page and the place after it are stored in one transaction, so that
a crash at any point loses nothing and repeats nothing that matters. A source that fails, stalls or
talks nonsense leaves what it gave before untouched, and staff sees since when and why. What a
source withdraws matches no more at once, and the decisions that rested on it are looked at again.
Built in are files, NCMEC, StopNCII, ThreatExchange and another Openhaven; packages may bring more
by the entry-point group `openhaven.exchanges`.
"""

from openhaven.exchange.actions import (
    add_source,
    pause_source,
    remove_source,
    share,
    unshare,
)
from openhaven.exchange.jobs import fetch_due, keep_banks, look_after, send_due
from openhaven.exchange.lookback import look_back_due
from openhaven.exchange.model import (
    Change,
    Exchange,
    Page,
    Saying,
    Source,
    SourceError,
    Told,
    Value,
)
from openhaven.exchange.plugins import kinds
from openhaven.exchange.recall import looked_again, reopen
from openhaven.exchange.returning import keep_returning
from openhaven.exchange.sending import Given, Offer, Taker, send_entries
from openhaven.exchange.store import source, sources

__all__ = [
    "Change",
    "Exchange",
    "Given",
    "Offer",
    "Page",
    "Saying",
    "Source",
    "SourceError",
    "Taker",
    "Told",
    "Value",
    "add_source",
    "fetch_due",
    "keep_banks",
    "keep_returning",
    "kinds",
    "look_after",
    "look_back_due",
    "looked_again",
    "pause_source",
    "remove_source",
    "reopen",
    "send_due",
    "send_entries",
    "share",
    "source",
    "sources",
    "unshare",
]
