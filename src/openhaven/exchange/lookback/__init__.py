"""Looking back: what was added to a bank is compared with what was seen in the last days.

Hashes of media are kept when the media themselves are not, so that a picture which becomes known
today is found although it was posted last week. This is only for banks of the sexual abuse of
children and of intimate images, only for some days, and always in the ledger. Nothing is decided
by it: each match opens a task for a person, once. It runs by itself a minute after additions have
ended, page by page, and goes on where it was after a crash.
"""

from openhaven.exchange.lookback.actions import ask, cancel
from openhaven.exchange.lookback.jobs import look_back_due
from openhaven.exchange.lookback.model import DAYS, MOST_DAYS, LookBack, require_may_look_back
from openhaven.exchange.lookback.store import look_back, look_backs

__all__ = [
    "DAYS",
    "MOST_DAYS",
    "LookBack",
    "ask",
    "cancel",
    "look_back",
    "look_back_due",
    "look_backs",
    "require_may_look_back",
]
