"""Passkeys (W3C Web Authentication, level 3): a person's own device or key signs them in.

A passkey is asked to know its holder (by a finger, a face or a PIN), so that it counts as two
factors, and to say whose it is, so that nobody types a name. What it signs is bound to this
service's name and to a challenge that works once.
"""

from openhaven.staff.passkeys.actions import add, proves, remove, remove_all, sign_in
from openhaven.staff.passkeys.checking import Made, Signed, asked_to_make, asked_to_sign
from openhaven.staff.passkeys.model import Passkey, Site, site_of
from openhaven.staff.passkeys.store import passkeys_of

__all__ = [
    "Made",
    "Passkey",
    "Signed",
    "Site",
    "add",
    "asked_to_make",
    "asked_to_sign",
    "passkeys_of",
    "proves",
    "remove",
    "remove_all",
    "sign_in",
    "site_of",
]
