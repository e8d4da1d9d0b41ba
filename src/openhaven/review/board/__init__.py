"""The board: the queue as a page, its counters, the stream of events, and the platforms."""

from openhaven.review.board.store import groups, kinds_open, numbers

__all__ = ["groups", "kinds_open", "numbers"]
