"""Openhaven: an online-safety system that a platform runs itself.

Read `openhaven/line/walk.py` first: it is the whole way from an event to a decision on one screen.
"""

__version__ = "0.1.0"
