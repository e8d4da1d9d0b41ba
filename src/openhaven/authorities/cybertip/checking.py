"""Small questions that several of the documented rules ask of an element. Pure."""

import ipaddress
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

LONGEST_URL = 2083
_LOCAL = re.compile(r"[^\s@\"(),:;<>\[\\\]\x00-\x1f]+")
_DOMAIN = re.compile(r"(?!-)[^\s@/?#:]{1,63}(?<!-)(\.(?!-)[^\s@/?#:.]{1,63}(?<!-))*")


class Fault(NamedTuple):
    """What is wrong with a document: the rule, where, and a sentence for staff, without values."""

    rule: str
    place: str
    words: str


def place(element: Any) -> str:
    """Return where an element stands: `/report/reporter/reportingPerson`."""
    return str(element.getroottree().getpath(element))


def text(element: Any) -> str:
    """Return an element's own text, without space around it."""
    return (element.text or "").strip()


def find(root: Any, path: str) -> list[Any]:
    """Return the elements at an XPath, in the order of the document."""
    return list(root.xpath(path))


def too_long(root: Any, rule: str, path: str, most: int) -> Iterator[Fault]:
    """Yield a fault for each element whose text is longer than `most` characters."""
    for one in find(root, path):
        if len(one.text or "") > most:
            yield Fault(rule, place(one), f"This is longer than {most} characters.")


def blank(root: Any, rule: str, path: str) -> Iterator[Fault]:
    """Yield a fault for each element that is there and says nothing."""
    for one in find(root, path):
        if not text(one):
            yield Fault(rule, place(one), "This is there but says nothing.")


def moment(value: str | None) -> datetime | None:
    """Return a moment with its offset; None when it has none, or is none."""
    try:
        found = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return found if found.tzinfo else None


def day(value: str) -> date | None:
    """Return a date, or None; a time zone after it is allowed by the schema and does not count."""
    try:
        return date.fromisoformat(value.strip()[:10])
    except ValueError:
        return None


def not_past(root: Any, rule: str, path: str, now: datetime) -> Iterator[Fault]:
    """Yield a fault for each moment that is not in the past, or has no offset."""
    for one in find(root, path):
        yield from attribute_not_past(one, rule, None, now)


def attribute_not_past(one: Any, rule: str, name: str | None, now: datetime) -> Iterator[Fault]:
    """Yield a fault when an attribute (or the text) is a moment, and it is not in the past."""
    value = text(one) if name is None else one.get(name)
    if value is None:
        return
    found = moment(value)
    if found is None:
        yield Fault(rule, place(one), "This moment has no offset (Z or +00:00), or is none.")
    elif found > now:
        yield Fault(rule, place(one), "This moment is not in the past. Is the clock right?")


def is_url(value: str) -> bool:
    """Say whether a text is a web address of at most 2083 characters."""
    if len(value) > LONGEST_URL or any(char.isspace() for char in value):
        return False
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - a port that is none raises here
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https", "ftp") and bool(parts.hostname)


def is_ip(value: str) -> bool:
    """Say whether a text is an IPv4 or IPv6 address (IPv4-mapped, too), without a zone."""
    try:
        return "%" not in value and bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def is_email(value: str) -> bool:
    """Say whether a text has the form of an address: at most 255, its local part at most 64."""
    local, at, domain = value.rpartition("@")
    return bool(
        at and len(value) <= 255 and 1 <= len(local) <= 64 and _LOCAL.fullmatch(local)
        and not local.startswith(".") and not local.endswith(".") and ".." not in local
        and _DOMAIN.fullmatch(domain)
    )  # fmt: skip
