"""How many events the worker takes at once."""

MOST = 400
_LEAST = 25
_SECONDS = 0.15


class Pace:
    """Finds the number of events that are judged in 0.15 seconds, between 25 and 400.

    Who waits for an answer may have to wait until a batch is over: for the events of the same
    account in it, or for a counter that both change. So a batch is short, also on a slow machine.
    """

    def __init__(self) -> None:
        self.size = 100

    def took(self, events: int, seconds: float) -> None:
        """Learn from a batch how many events fit; a small one says little, and one alone nothing.

        The number changes by no more than a half at once, since one batch may have been unlucky.
        """
        if events * 4 < self.size or seconds <= 0:
            return
        fitting = int(events * _SECONDS / seconds)
        nearby = min(max(fitting, self.size // 2), self.size * 3 // 2)
        self.size = min(max(nearby, _LEAST), MOST)
