"""History: what happened lately, as numbers that rules can ask for.

A `Counter` says what is counted (events, sums, different things, rates, the first and the last
time), for what (accounts, pairs of them, devices, links, texts that are nearly the same), and over
which windows. `count` counts a batch with one statement that reads and one that writes, in the
transaction that judges it; `Replay` does the same in memory. The rows are found by digests of this
installation, take bounded room, and are forgotten when their windows have passed.
"""

from openhaven.history.actions import begin, count, expire, forget
from openhaven.history.model import Counter, Key, Notes, Part, Window
from openhaven.history.replay import Replay
from openhaven.history.tallies import Values

__all__ = [
    "Counter",
    "Key",
    "Notes",
    "Part",
    "Replay",
    "Values",
    "Window",
    "begin",
    "count",
    "expire",
    "forget",
]
