"""One spelling for each identifier, or none where it says nothing about one person. Pure."""

import ipaddress
import re
import unicodedata

from openhaven.exchange.returning.model import Setting
from openhaven.intake.model import Identifier

_LOCAL = re.compile(r"[^\s@]{1,64}")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_PHONE = re.compile(r"\+[1-9]\d{7,14}")
_BETWEEN = re.compile(r"[\s().\-/]")
_OPAQUE = re.compile(r"[\x21-\x7e]{8,200}")
_PLAIN = re.compile(r"[0-9a-fA-F:-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HOME_NETS = tuple(
    ipaddress.ip_network(one)
    for one in ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
                "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3", "::/64", "64:ff9b::/32",
                "fc00::/7", "fe80::/10", "ff00::/8")
)  # fmt: skip
_CARD_DIGITS = range(12, 20)
_TELLS_APART = 5


def normal(given: Identifier, data: Setting) -> bytes | None:
    """Return the one spelling, or None for what cannot be read or what many people have."""
    text = unicodedata.normalize("NFKC", given.value).strip()
    found = _READERS[given.kind](text, data)
    return None if found is None else found.encode()


def _email(text: str, data: Setting) -> str | None:
    local, at, domain = text.rpartition("@")
    try:
        domain = domain.rstrip(".").encode("idna").decode().lower()
    except UnicodeError:
        return None
    if not at or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        return None
    local = local.casefold()
    for name, one in data.mail.items():
        if domain != name and domain not in one.aliases:
            continue
        domain = name
        local = local.partition("+")[0] if one.plus else local
        local = local.replace(".", "") if one.dots else local
    parts = domain.split(".")
    shown = {".".join(parts[at:]) for at in range(len(parts))}
    if not local or local in data.common.mailboxes or shown & data.common.domains:
        return None
    return f"{local}@{domain}"


def _phone(text: str, data: Setting) -> str | None:
    """E.164; a number without its country could be anybody's."""
    del data
    text = _BETWEEN.sub("", text)
    text = "+" + text[2:] if text.startswith("00") else text
    return text if _PHONE.fullmatch(text) else None


def _device(text: str, data: Setting) -> str | None:
    text = text.lower() if _PLAIN.fullmatch(text) else text
    if not _OPAQUE.fullmatch(text) or text.lower() in data.common.devices:
        return None
    return text if len(set(text)) >= _TELLS_APART else None


def _payment(text: str, data: Setting) -> str | None:
    """The fingerprint that a payment service gives; the number of a card is never taken."""
    del data
    digits = _BETWEEN.sub("", text)
    card = digits.isdigit() and len(digits) in _CARD_DIGITS and _luhn(digits)
    return None if card or not _OPAQUE.fullmatch(text) or len(set(text)) < _TELLS_APART else text


def _luhn(digits: str) -> bool:
    """Say whether the digits end in the check digit of ISO/IEC 7812-1, Annex B."""
    doubled = [sum(divmod(int(one) * 2, 10)) for one in digits[-2::-2]]
    return (sum(doubled) + sum(int(one) for one in digits[-1::-2])) % 10 == 0


def _network(text: str, data: Setting) -> str | None:
    """The network that an address is in: /24, or /48; none for one that is nobody's own."""
    del data
    try:
        address = ipaddress.ip_address(text.partition("/")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in net for net in _HOME_NETS if net.version == address.version):
        return None
    length = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


def _picture(text: str, data: Setting) -> str | None:
    del data
    return text.lower() if _SHA256.fullmatch(text.lower()) else None


_READERS = {
    "email": _email,
    "phone": _phone,
    "device": _device,
    "payment": _payment,
    "network": _network,
    "picture": _picture,
}
