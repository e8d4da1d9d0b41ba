"""Lists that a specialist enters one a line, with parts set apart by a bar; read and written. Pure.

What `read_…` takes, `write_…` gives back, so that a draft is shown as it was entered.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, get_args

from openhaven.authorities.cybertip.model import Associated, Recipient, Victim
from openhaven.authorities.cybertip.parts import Device, Email, EventName, IpEvent, Person, Phone
from openhaven.core import Problem

MOST_LINES = 200
_EVENTS = {one.lower(): one for one in get_args(EventName)}
_KINDS = {one.lower(): one for one in get_args(Associated.__annotations__["type"])}
_PHONES = {
    one.lower(): one for one in ("Mobile", "Home", "Business", "Work", "Fax", "Internet",
                                 "Recovery")
}  # fmt: skip
_VERIFIED = "verified"


def lines(text: str) -> list[str]:
    """Return the lines of a list that say something; raises `Problem` (400) for too many."""
    found = [line.strip() for line in text.splitlines() if line.strip()]
    if len(found) > MOST_LINES:
        raise Problem("filing.form", f"A list has {MOST_LINES} lines at most.")
    return found


def moment(word: str) -> datetime:
    """Read a moment such as `2026-01-02T03:04Z`; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(word)
        # At the ends of time there is no such moment in UTC, in which it is written.
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Problem("filing.form", "A moment cannot be read.", word[:40],
                      next_step="Write it like 2026-01-02T03:04Z.") from error  # fmt: skip


def _at(found: datetime | None) -> str:
    return f"{found.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if found else ""


def _parts(line: str, most: int) -> list[str]:
    """Return the parts of a line between its bars, as many as there may be at most."""
    found = [part.strip() for part in line.split("|")]
    if len(found) > most:
        raise Problem("filing.form", f"A line has {most} parts at most.", line[:60],
                      next_step="The parts are set apart by a bar: |")  # fmt: skip
    return found + [""] * (most - len(found))


def _joined(*parts: str | None) -> str:
    return re.sub(r"( \| )+$", "", " | ".join(part or "" for part in parts))


# Addresses in the network, and devices ----------------------------------------------------------


def read_ip(line: str) -> IpEvent:
    """Read `192.0.2.1 2026-01-02T03:04Z 443 Login proxy`; all but the address may be left out."""
    address, *rest = line.split()
    given: dict[str, Any] = {"event_name": "Other"}
    for word in rest:
        if word.isascii() and word.isdecimal():
            given["port"] = int(word[:6])
        elif word.lower() in _EVENTS:
            given["event_name"] = _EVENTS[word.lower()]
        elif word.lower() == "proxy":
            given["possible_proxy"] = True
        else:
            given["date_time"] = moment(word)
    return IpEvent(ip_address=address, **given)


def write_ip(one: IpEvent) -> str:
    """Return an address as it is entered."""
    event = "" if one.event_name == "Other" else one.event_name
    said = (one.ip_address, _at(one.date_time), one.port, event, one.possible_proxy and "proxy")
    return " ".join(str(part) for part in said if part)


def read_device(line: str) -> Device:
    """Read `IMEI: 356938035643809 | 2026-01-02T03:04Z | Login`; the first part has to be there."""
    first, when, event = _parts(line, 3)
    kind, colon, value = first.partition(":")
    if event and event.lower() not in _EVENTS:
        raise Problem("filing.form", "This is no kind of event.", event[:40],
                      next_step=f"One of: {', '.join(_EVENTS.values())}.")  # fmt: skip
    return Device(
        id_type=kind.strip() if colon else "device id",
        id_value=(value if colon else first).strip(),
        date_time=moment(when) if when else None,
        event_name=_EVENTS[event.lower()] if event else None,
    )


def write_device(one: Device) -> str:
    """Return a device as it is entered."""
    return _joined(f"{one.id_type}: {one.id_value}", _at(one.date_time), one.event_name)


# E-mail addresses and telephones ----------------------------------------------------------------


def _verified(part: str) -> tuple[bool | None, datetime | None]:
    """Read `verified`, perhaps with a moment after it; nothing is said where nothing stands."""
    word, _, when = part.partition(" ")
    if not word:
        return None, None
    if word.lower() != _VERIFIED:
        raise Problem("filing.form", "Only “verified” may stand here, perhaps with a moment.",
                      part[:40])  # fmt: skip
    return True, moment(when.strip()) if when.strip() else None


def _said(verified: bool | None, when: datetime | None) -> str:
    return f"{_VERIFIED} {_at(when)}".strip() if verified else ""


def read_email(line: str) -> Email:
    """Read `somebody@example.org | verified 2026-01-02T03:04Z`."""
    address, rest = _parts(line, 2)
    verified, when = _verified(rest)
    return Email(text=address, verified=verified, verification_date=when)


def write_email(one: Email) -> str:
    """Return an e-mail address as it is entered."""
    return _joined(one.text, _said(one.verified, one.verification_date))


def read_phone(line: str) -> Phone:
    """Read `+44 20 7946 0000 | Mobile | verified 2026-01-02T03:04Z`."""
    number, kind, rest = _parts(line, 3)
    if kind and kind.lower() not in _PHONES:
        raise Problem("filing.form", "This is no kind of telephone.", kind[:40],
                      next_step=f"One of: {', '.join(_PHONES.values())}.")  # fmt: skip
    verified, when = _verified(rest)
    return Phone(text=number, type=_PHONES[kind.lower()] if kind else None,  # type: ignore[arg-type]
                 verified=verified, verification_date=when)  # fmt: skip


def write_phone(one: Phone) -> str:
    """Return a telephone number as it is entered."""
    return _joined(one.text, one.type, _said(one.verified, one.verification_date))


# Accounts and people ----------------------------------------------------------------------------


def read_associated(line: str) -> Associated:
    """Read `Linked: account | service | user name | note`; without a kind it is linked."""
    first, service, name, note = _parts(line, 4)
    kind, colon, rest = first.partition(":")
    known = _KINDS.get(kind.strip().lower()) if colon else None
    return Associated(
        type=known or "Linked",
        esp_identifier=(rest.strip() if known else first) or None,
        esp_service=service or None,
        screen_name=name or None,
        additional_info=note or None,
    )


def write_associated(one: Associated) -> str:
    """Return another account as it is entered."""
    first = f"{one.type}: {one.esp_identifier or ''}"
    return _joined(first, one.esp_service, one.screen_name, one.additional_info)


def read_recipient(line: str) -> Recipient:
    """Read `account | user name | e-mail | note`, of somebody for whom it was meant."""
    account, name, email, note = _parts(line, 4)
    person = Person(email=(Email(text=email),)) if email else None
    return Recipient(intended_recipient_person=person, esp_identifier=account or None,
                     screen_name=name or None, additional_info=(note,) if note else (),
                     )  # fmt: skip


def write_recipient(one: Recipient) -> str:
    """Return a recipient as it is entered."""
    person = one.intended_recipient_person
    email = person.email[0].text if person and person.email else ""
    return _joined(one.esp_identifier, one.screen_name, email, "".join(one.additional_info))


def read_child(line: str) -> Victim:
    """Read `account | age in years | note`, of a further child."""
    account, years, note = _parts(line, 3)
    return Victim(victim_person=Person(age=age(years)), esp_identifier=account or None,
                  additional_info=note or None)  # fmt: skip


def write_child(one: Victim) -> str:
    """Return a further child as it is entered."""
    years = one.victim_person.age
    return _joined(one.esp_identifier, "" if years is None else str(years), one.additional_info)


def age(text: str) -> int | None:
    """Read an age in years, None for nothing; raises `Problem` (400)."""
    if not text.strip():
        return None
    if not re.fullmatch(r"[0-9]{1,3}", text.strip()):
        raise Problem("filing.form", "An age is a number of years.", text[:20])
    return int(text)


def number(line: str) -> int:
    """Read the number of a CyberTipline report; raises `Problem` (400)."""
    if not re.fullmatch(r"[1-9][0-9]{0,17}", line):
        raise Problem("filing.form", "This is no number of a CyberTipline report.", line[:40])
    return int(line)


def block(given: Iterable[str]) -> str:
    """Return lines as the text of a field."""
    return "\n".join(given)
