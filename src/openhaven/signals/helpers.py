"""Threads that work for somebody who may stop waiting for them."""

import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

Step = Callable[["Errand"], None]


class Errand:
    """Steps that a helper thread takes one after another, each watched by its own deadline."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._lock = threading.Lock()
        self._over = threading.Lock()
        self._over.acquire()
        self._place = -1
        self._since = 0.0
        self._given_up = False
        self.ended = False

    @property
    def given_up(self) -> bool:
        """Whether nobody waits any more; a step may look and end early."""
        return self._given_up

    def wait(self, deadline_s: float, end: float = math.inf) -> int | None:
        """Wait until all steps are taken: None; or until one is late: its place, and give up.

        At the moment `end` of the clock the step that is being taken is late in any case.
        """
        left = min(deadline_s, end - time.monotonic())
        while not self._over.acquire(timeout=max(left, 0.001)):
            with self._lock:
                now = time.monotonic()
                left = min(self._since + deadline_s, end) - now
                if now < end and (self._place < 0 or left > 0):
                    continue
                self._given_up = True
                return max(self._place, 0)
        return None

    def run(self) -> bool:
        """Take the steps, in a helper's thread; say whether somebody waited until the end."""
        try:
            for place, step in enumerate(self._steps):
                with self._lock:
                    if self._given_up:
                        return False
                    self._place, self._since = place, time.monotonic()
                step(self)
            return not self._given_up
        finally:
            self.ended = True

    def tell(self) -> None:
        """Let the waiting one know that all is done."""
        self._over.release()


class _Helper(threading.Thread):
    """A thread that does errands and then is idle, unless one of them was given up."""

    def __init__(self) -> None:
        super().__init__(name="signals", daemon=True)
        self.inbox: queue.SimpleQueue[Errand] = queue.SimpleQueue()

    def run(self) -> None:
        while True:
            errand = self.inbox.get()
            if not errand.run():
                return
            _idle.append(self)
            errand.tell()


_idle: deque[_Helper] = deque()


def start(errand: Errand) -> None:
    """Give the errand to an idle helper, or to a new one."""
    try:
        helper = _idle.pop()
    except IndexError:
        helper = _Helper()
        helper.start()
    helper.inbox.put(errand)
