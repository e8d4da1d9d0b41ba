"""Time that a machine which stands still now and then cannot lengthen."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TICK_S = 0.02
AT_MOST_S = 0.1


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Give a function that says how many seconds of waiting have passed since the beginning.

    A thread ticks. Where two ticks lie further apart than a tenth of a second nobody got to run,
    and only that tenth is counted. It is for what waits; what computes is measured with
    `time.thread_time`, since a long computation may keep the thread from ticking as well.
    """
    over = threading.Event()
    began = last = time.monotonic()
    spent = 0.0

    def tick() -> None:
        nonlocal spent, last
        while not over.wait(TICK_S):
            now = time.monotonic()
            spent, last = spent + min(now - last, AT_MOST_S), now

    def seconds() -> float:
        return min(spent + TICK_S, time.monotonic() - began)

    ticking = threading.Thread(target=tick, daemon=True)
    ticking.start()
    try:
        yield seconds
    finally:
        over.set()
        ticking.join()
