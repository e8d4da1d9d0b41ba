"""What is known of accounts, kept in the database: evidence of age, choices, carers.

The rest of the room is pure and asks nobody. Here it is fed: verbs that note and set, and what a
process remembers of accounts, so that a check asks no database.
"""

from openhaven.protections.accounts.actions import (
    add_carer,
    note_age,
    remove_carer,
    set_protection,
    subject_of,
)
from openhaven.protections.accounts.holder import Protections, start
from openhaven.protections.accounts.store import (
    age_of,
    changed,
    gathered,
    horizon,
    profile_of,
    profiles,
)

__all__ = [
    "Protections",
    "add_carer",
    "age_of",
    "changed",
    "gathered",
    "horizon",
    "note_age",
    "profile_of",
    "profiles",
    "remove_carer",
    "set_protection",
    "start",
    "subject_of",
]
