"""Entries of banks: added, proposed and confirmed as harmless, withdrawn, expired.

Nothing is ever deleted: an entry that was withdrawn stays on record and matches no more.
"""

from openhaven.signals.banks.entries.actions import (
    add_entries,
    confirm_negative,
    expire,
    propose_negative,
    withdraw_entries,
    withdraw_entry,
)

__all__ = [
    "add_entries",
    "confirm_negative",
    "expire",
    "propose_negative",
    "withdraw_entries",
    "withdraw_entry",
]
