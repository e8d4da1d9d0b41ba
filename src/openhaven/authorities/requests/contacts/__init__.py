"""Authorities that two people know: domain, a number found independently, a key to seal to."""

from openhaven.authorities.requests.contacts.actions import add, follow, remove
from openhaven.authorities.requests.contacts.store import (
    KIND,
    About,
    Contact,
    contact,
    contacts,
    domains,
)

__all__ = ["KIND", "About", "Contact", "add", "contact", "contacts", "domains", "follow", "remove"]
