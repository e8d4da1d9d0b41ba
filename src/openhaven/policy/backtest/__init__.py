"""Back-tests: a pack is run over stored events, and the difference to what happened is shown.

`start` stores what shall be tried, why, and by whom; a process of its own (`jobs.run`) then reads
the events page by page, works out again what texts and links say with the lists of that pack,
takes the rest from what was kept (`policy.features`) and counts the difference. What cannot be
evaluated is counted by reason and never guessed. A back-test decides nothing and changes nothing.
"""

from openhaven.policy.backtest.actions import ask_cancel, claim, forget_examples, start
from openhaven.policy.backtest.figures import Figures
from openhaven.policy.backtest.jobs import run
from openhaven.policy.backtest.looking import look_at
from openhaven.policy.backtest.model import Backtest, Candidate, Example, Wish
from openhaven.policy.backtest.store import examples, find, latest
from openhaven.policy.backtest.tender import Tender

__all__ = [
    "Backtest",
    "Candidate",
    "Example",
    "Figures",
    "Tender",
    "Wish",
    "ask_cancel",
    "claim",
    "examples",
    "find",
    "forget_examples",
    "latest",
    "look_at",
    "run",
    "start",
]
