"""The line: the order of work, in one place. Read `walk.py` first.

Every other room is a leaf: it measures, judges, stores or carries out one thing. Here it is said
what comes after what.
"""

from openhaven.line.answer import PATIENCE, answer
from openhaven.line.haven import Haven
from openhaven.line.jobs import Worker
from openhaven.line.returning import linked, look_up
from openhaven.line.walk import conclude, settle, walk

__all__ = [
    "PATIENCE",
    "Haven",
    "Worker",
    "answer",
    "conclude",
    "linked",
    "look_up",
    "settle",
    "walk",
]
