"""The network of a case: accounts that are tied to that of the case, and by what.

No index of who knows whom is kept. When somebody who works on a case asks, the worker compares the
events that are here anyway, and keeps for 30 days only what ties somebody to the account of the
case: a device, the address of a sign-up, a file or link of the case, messages by their number.
One step is looked; a second one goes from one account, takes a reason, and in the lane a second
person. Others have numbers instead of names until somebody needs one by its name; what too many
have in common names nobody.
"""

from openhaven.authorities.network.actions import forget_account, further, keep, look, name
from openhaven.authorities.network.drawing import draw
from openhaven.authorities.network.jobs import tend
from openhaven.authorities.network.model import Bond, Person, View
from openhaven.authorities.network.store import associated, living, looks, namings, view

__all__ = [
    "Bond",
    "Person",
    "View",
    "associated",
    "draw",
    "forget_account",
    "further",
    "keep",
    "living",
    "look",
    "looks",
    "name",
    "namings",
    "tend",
    "view",
]
