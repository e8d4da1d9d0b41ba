"""The words of the house: ids, time, actors, harms, age bands, permissions and errors. No I/O.

Every other room may read from here; this room reads from nobody.
"""

from openhaven.core.actors import Actor, system
from openhaven.core.canonical import canonical
from openhaven.core.clock import utcnow
from openhaven.core.harms import HARMS, Harm, harm
from openhaven.core.ids import new_id
from openhaven.core.permissions import Permission, Role, permits
from openhaven.core.problems import Problem
from openhaven.core.words import AgeBand, EventKind, Ground, Outcome, Verb, Visibility

__all__ = [
    "HARMS",
    "Actor",
    "AgeBand",
    "EventKind",
    "Ground",
    "Harm",
    "Outcome",
    "Permission",
    "Problem",
    "Role",
    "Verb",
    "Visibility",
    "canonical",
    "harm",
    "new_id",
    "permits",
    "system",
    "utcnow",
]
