"""Passwords with a second factor: the way in for who has no passkey and no other service.

A password alone opens nothing. With it goes a code that an app shows (RFC 6238), or one of ten
printed codes that work once each.
"""

from openhaven.staff.passwords.actions import (
    confirmed,
    keep,
    new_codes,
    remove,
    sign_in,
)
from openhaven.staff.passwords.model import Standing, check_password
from openhaven.staff.passwords.store import standing
from openhaven.staff.passwords.totp import address, drawn, spoken

__all__ = [
    "Standing",
    "address",
    "check_password",
    "confirmed",
    "drawn",
    "keep",
    "new_codes",
    "remove",
    "sign_in",
    "spoken",
    "standing",
]
