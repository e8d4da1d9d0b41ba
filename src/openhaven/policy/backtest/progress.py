"""What a back-test has found so far, so that another process can go on with it.

Figures, examples and what the counting needs to remember. Counters that are counted again are not
among it: they are rebuilt from the events, which is quick and exact.
"""

from datetime import date

import msgspec

from openhaven.policy.backtest.figures import Cell, Figures
from openhaven.policy.backtest.model import Change, Example

Spent = list[tuple[date, str, int]]


class Counted(msgspec.Struct, kw_only=True):
    """The state of a `Tally`."""

    figures: Figures
    examples: list[tuple[str, Change, list[tuple[int, Example]]]]
    judged: dict[str, list[tuple[bool, bool, int]]]
    kinds: dict[str, int]
    matters: list[tuple[date, str, str, int]]
    groups: dict[str, dict[str, Cell]]


class Progress(msgspec.Struct, kw_only=True):
    """How far a back-test is: the number of the last event, what was counted, seconds of work.

    `spent` are the daily caps used up, one list for each pack.
    """

    after: int
    done: int
    seconds: float
    counted: Counted
    spent: list[Spent]


def packed(progress: Progress) -> bytes:
    """Return it as bytes (MessagePack)."""
    return msgspec.msgpack.encode(progress)


def unpacked(data: bytes) -> Progress | None:
    """Return it from its bytes; None when another version of the program wrote them."""
    try:
        return msgspec.msgpack.decode(data, type=Progress)
    except msgspec.MsgspecError:
        return None
