"""No contact between two accounts, because one of them asked for it: kept, and always obeyed."""

from openhaven.protections.freezes.actions import freeze_contact, thaw_contact

__all__ = ["freeze_contact", "thaw_contact"]
