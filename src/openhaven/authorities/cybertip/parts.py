"""Parts of a CyberTipline report that several elements share, in the schema's order.

A struct is an element: its fields are the child elements in the order of the schema, those named in
`attributes` are attributes, and `text` is the element's own text. `None` and empty tuples are left
out. Source: the XSD that the Reporting API serves under `/xsd`.
"""

from datetime import date, datetime
from typing import ClassVar, Literal

import msgspec

EventName = Literal["Login", "Registration", "Purchase", "Upload", "Other", "Unknown"]


def camel(name: str) -> str:
    """Return a field's name as the schema writes it: `file_viewed_by_esp` → `fileViewedByEsp`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class Part(msgspec.Struct, frozen=True, kw_only=True, rename=camel, omit_defaults=True):
    """An element of a report."""

    attributes: ClassVar[frozenset[str]] = frozenset()


class Email(Part, frozen=True, kw_only=True):
    """An e-mail address; when it was verified, if it was."""

    attributes = frozenset({"type", "verified", "verificationDate"})
    text: str
    type: Literal["Home", "Work", "Business", "Recovery"] | None = None
    verified: bool | None = None
    verification_date: datetime | None = None


class Phone(Part, frozen=True, kw_only=True):
    """A telephone number, without the calling code where that is given apart."""

    attributes = frozenset(
        {"type", "verified", "verificationDate", "countryCallingCode", "extension"}
    )
    text: str
    type: Literal["Mobile", "Home", "Business", "Work", "Fax", "Internet", "Recovery"] | None = None
    verified: bool | None = None
    verification_date: datetime | None = None
    country_calling_code: str | None = None
    extension: str | None = None


class Address(Part, frozen=True, kw_only=True):
    """A postal address."""

    attributes = frozenset({"type"})
    type: Literal["Home", "Business", "Billing", "Shipping", "Technical"] | None = None
    address: str | None = None
    city: str | None = None
    zip_code: str | None = None
    state: str | None = None
    non_usa_state: str | None = None
    country: str | None = None


class Contact(Part, frozen=True, kw_only=True):
    """Somebody whom the authority may call."""

    first_name: str | None = None
    last_name: str | None = None
    phone: tuple[Phone, ...] = ()
    email: tuple[Email, ...] = ()
    address: tuple[Address, ...] = ()


class Person(Part, frozen=True, kw_only=True):
    """What is known of a person; an age in years."""

    first_name: str | None = None
    last_name: str | None = None
    phone: tuple[Phone, ...] = ()
    email: tuple[Email, ...] = ()
    address: tuple[Address, ...] = ()
    age: int | None = None
    date_of_birth: date | None = None


class IpEvent(Part, frozen=True, kw_only=True):
    """An address from which something was done, when, and from which port."""

    ip_address: str
    event_name: EventName | None = None
    date_time: datetime | None = None
    possible_proxy: bool | None = None
    port: int | None = None


class Device(Part, frozen=True, kw_only=True):
    """A device that was used, by an id of some type."""

    id_type: str
    id_value: str
    event_name: EventName | None = None
    date_time: datetime | None = None


class Disabled(Part, frozen=True, kw_only=True):
    """Whether an account was disabled, and when; only a temporary one has been enabled again."""

    attributes = frozenset({"disabledDate", "userNotified", "userNotifiedDate", "reenabledDate"})
    text: bool
    disabled_date: datetime | None = None
    user_notified: bool | None = None
    user_notified_date: datetime | None = None
    reenabled_date: datetime | None = None


class Location(Part, frozen=True, kw_only=True):
    """Where an account seems to be."""

    attributes = frozenset({"verified", "timestamp"})
    verified: bool | None = None
    timestamp: datetime | None = None
    city: str | None = None
    region: str | None = None
    country_code: str | None = None
