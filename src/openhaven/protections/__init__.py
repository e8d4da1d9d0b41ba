"""What a platform asks before something happens to a child: ages, defaults, floors, checks.

Data with a fingerprint says what holds by default for each band of ages and country, and how far
anybody may open it. Some floors stand in code: nobody lifts them, and nobody takes a child's rights
away. A check is pure and answers from what it is handed; what it tells the sender never says
whether the other end is a child.

All of this needs no database, so that a platform can have it in its own process
(`openhaven.client`). What is known of accounts is kept in the inner room `accounts`.
"""

from openhaven.protections.ages import Age, resolve
from openhaven.protections.checking import Check
from openhaven.protections.defaults import Defaults, compiled, load
from openhaven.protections.model import (
    Answer,
    Change,
    Choice,
    Evidence,
    Party,
    Profile,
    Question,
    Relation,
)
from openhaven.protections.settings import Protected, settings_of

__all__ = [
    "Age",
    "Answer",
    "Change",
    "Check",
    "Choice",
    "Defaults",
    "Evidence",
    "Party",
    "Profile",
    "Protected",
    "Question",
    "Relation",
    "compiled",
    "load",
    "resolve",
    "settings_of",
]
