"""What a platform asks before something happens to a child: ages, defaults, floors, checks.

Data with a fingerprint says what holds by default for each band of ages and country, and how far
anybody may open it. Some floors stand in code: nobody lifts them, and nobody takes a child's rights
away. A check is pure and answers from a snapshot; what it tells the sender never says whether the
other end is a child.
"""

from openhaven.protections.actions import (
    Change,
    add_carer,
    note_age,
    remove_carer,
    set_protection,
)
from openhaven.protections.ages import Age, resolve
from openhaven.protections.checking import Check
from openhaven.protections.defaults import Defaults, compiled, load
from openhaven.protections.holder import Protections, start
from openhaven.protections.model import (
    Answer,
    Choice,
    Evidence,
    Party,
    Profile,
    Question,
    Relation,
)
from openhaven.protections.settings import Protected, settings_of
from openhaven.protections.store import profile_of
from openhaven.protections.wording import Words

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
    "Protections",
    "Question",
    "Relation",
    "Words",
    "add_carer",
    "compiled",
    "load",
    "note_age",
    "profile_of",
    "remove_carer",
    "resolve",
    "set_protection",
    "settings_of",
    "start",
]
