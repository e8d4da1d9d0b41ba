"""Banks: lists of hashes and links that media and posts are compared with.

They live in the database and, in each process, as an immutable snapshot that is swapped for a
newer one: `Banks.refresh` takes up what was added or withdrawn in well under a second and without
building anything anew. The question asked of it is narrow: `match(kind, value)`.
"""

from openhaven.signals.banks.actions import bank_named, create_bank, set_at_most, set_mode
from openhaven.signals.banks.entries import (
    add_entries,
    confirm_negative,
    expire,
    propose_negative,
    withdraw_entries,
    withdraw_entry,
)
from openhaven.signals.banks.model import (
    Added,
    BankInfo,
    Entry,
    Kind,
    Match,
    NewEntry,
    Refused,
    Row,
)
from openhaven.signals.banks.snapshot import EMPTY, Bank, Snapshot
from openhaven.signals.banks.store import Banks

__all__ = [
    "EMPTY",
    "Added",
    "Bank",
    "BankInfo",
    "Banks",
    "Entry",
    "Kind",
    "Match",
    "NewEntry",
    "Refused",
    "Row",
    "Snapshot",
    "add_entries",
    "bank_named",
    "confirm_negative",
    "create_bank",
    "expire",
    "propose_negative",
    "set_at_most",
    "set_mode",
    "withdraw_entries",
    "withdraw_entry",
]
