"""Appeals against an age: a person says that it is wrong, and a reviewer says what counts.

Either way round: an adult who is taken for a child, and a child who is taken for an adult. Until it
is decided nothing changes. To believe a younger age at once would let an adult come near children
as one of them; to believe an older one would open what stays closed for a child. The reviewer's
word is the strongest source of an age, and the last one of it counts.
"""

from openhaven.protections.appeals.actions import appeal, decide
from openhaven.protections.appeals.model import Appeal, Held
from openhaven.protections.appeals.store import (
    account_of_token,
    appeal_of,
    appeals_of,
    open_appeals,
    token,
)

__all__ = [
    "Appeal",
    "Held",
    "account_of_token",
    "appeal",
    "appeal_of",
    "appeals_of",
    "decide",
    "open_appeals",
    "token",
]
