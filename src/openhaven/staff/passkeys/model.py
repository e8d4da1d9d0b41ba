"""A passkey, and the name that passkeys are bound to."""

from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from openhaven.core import Problem
from openhaven.storage import Settings


class Site(msgspec.Struct, frozen=True):
    """What a passkey is bound to: the host's name (the "RP ID") and the whole origin."""

    name: str
    origin: str


class Passkey(msgspec.Struct, frozen=True):
    """A passkey as its owner sees it."""

    id: str
    name: str
    created_at: datetime
    used_at: datetime | None = None
    doubted_at: datetime | None = None


class Kept(msgspec.Struct, frozen=True):
    """A passkey as it is checked: whose it is, its public key (COSE) and how often it was used."""

    id: str
    staff: str
    public_key: bytes
    uses: int


def site_of(settings: Settings) -> Site | None:
    """Return what passkeys of this service are bound to, or None where browsers allow none.

    They want a name, not a number, and a line that nobody can listen to: TLS, or this machine
    itself under the name `localhost` (W3C Web Authentication 5.1.3, Secure Contexts 3.1).
    """
    parts = urlsplit(settings.url)
    host = (parts.hostname or "").lower()
    if not settings.public_url and _is_own(host):
        return Site("localhost", f"http://localhost:{settings.port}")
    secure = parts.scheme == "https" or host == "localhost" or host.endswith(".localhost")
    if not secure or _is_number(host):
        return None
    usual = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return Site(host, f"{parts.scheme}://{host}{port}")


def check_name(name: str) -> str:
    """Return the name that somebody gives a passkey; raises `Problem` when nobody could read it."""
    tidy = " ".join(name.split()) or "Passkey"
    if len(tidy) > 80 or not tidy.isprintable():
        raise Problem("passkey.name", "The name of a passkey has 1 to 80 printable characters.")
    return tidy


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_own(host: str) -> bool:
    return _is_number(host) and (ip_address(host).is_loopback or ip_address(host).is_unspecified)
