"""What a specialist adds to what a case says by itself, and how a draft keeps it."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import msgspec

from openhaven.authorities.cybertip.body import FilePlan
from openhaven.authorities.cybertip.model import (
    Associated,
    IncidentType,
    Recipient,
    ReportTags,
    Victim,
)
from openhaven.authorities.cybertip.parts import Device, Email, IpEvent, Phone

Where = Literal["chat", "web", "game", "email", "newsgroup", "phone", "peer", "place"]


class Police(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A police force that knows of it or has asked; without an agency nothing is said of one."""

    agency: str = ""
    number: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    email: str = ""
    reported: bool | None = None
    served: bool | None = None
    served_abroad: str = ""


class Child(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The child who was hurt: only what helps to find and help it. The age is in years."""

    account: str = ""
    screen_name: str = ""
    age: int | None = None
    email: str = ""
    school: str = ""
    notes: str = ""


class Someone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of the person behind the reported account."""

    first_name: str = ""
    last_name: str = ""
    phones: tuple[Phone, ...] = ()
    age: int | None = None
    born: date | None = None
    address: str = ""
    display_names: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    bio: str = ""
    group: str = ""
    compromised: bool | None = None
    third_party: bool | None = None
    city: str = ""
    region: str = ""
    country: str = ""
    devices: tuple[Device, ...] = ()
    notes: str = ""


class Entered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that a specialist has entered; what is empty is not stated."""

    incident_type: IncidentType | None = None
    urgent: str = ""
    when_words: str = ""
    tags: ReportTags | None = None
    where: Where | None = None
    room: str = ""
    said: str = ""
    where_notes: str = ""
    where_phone: str = ""
    hosted_elsewhere: bool | None = None
    urls: tuple[str, ...] = ()
    screen_name: str = ""
    emails: tuple[Email, ...] = ()
    ips: tuple[IpEvent, ...] = ()
    priors: tuple[int, ...] = ()
    associated: tuple[Associated, ...] = ()
    someone: Someone = Someone()
    recipients: tuple[Recipient, ...] = ()
    child: Child = Child()
    children: tuple[Victim, ...] = ()
    police: Police = Police()
    notes: str = ""
    files: tuple[FilePlan, ...] | None = None
    # The other accounts that shared one viral file; then this is a batch.
    batch: tuple[str, ...] = ()


def kept(entered: Entered) -> dict[str, Any]:
    """Return what was entered in the form in which a draft keeps it."""
    found: dict[str, Any] = msgspec.to_builtins(entered)
    return found


def entered_in(given: Mapping[str, Any]) -> Entered:
    """Return what a draft keeps of what was entered, also one of an earlier version."""
    said = dict(given)
    said["emails"] = [{"text": one} if isinstance(one, str) else one
                      for one in given.get("emails", ())]  # fmt: skip
    if {"victim_account", "victim_age"} & said.keys():
        said["child"] = {"account": given.get("victim_account", ""), "age": given.get("victim_age")}
    return msgspec.convert(said, Entered, strict=False)
