"""One form for all ways to write the same address, so that lists can be compared exactly.

After the URL Standard (WHATWG) for what browsers forgive, RFC 3986 section 6 for what is equal,
and UTS 46 for names in other scripts. The canonical form has no scheme: `http` and `https` lead to
the same place.
"""

import ipaddress
import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, unquote

import idna

LONGEST = 2_000
_SEGMENTS = 12
_LABELS = 8
_PORTS = {"http": "80", "https": "443", "": ""}
_TRACKING = frozenset(
    {"fbclid", "gclid", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "igshid", "igsh", "mc_cid"}
    | {"mc_eid", "twclid", "ttclid", "li_fat_id", "vero_id", "_hsenc", "_hsmi", "oly_anon_id"}
    | {"oly_enc_id", "rb_clickid", "s_cid", "si", "ref_src", "ref_url"}
)
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")
_SCHEME = re.compile(r"(?i)(?:([a-z][a-z0-9+.-]{0,20}):)?[/\\]{2,}")
_SAFE = "!$&'()*+,;=:@-._~/"
_WRITTEN = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)")


def canonical(url: str) -> str | None:
    """Return `host[:port][/path][?query]` of a web address, or None when it is not one.

    Removed: scheme, user and password, default ports, trailing dots and slashes, fragments,
    parameters that only follow people about, needless percent signs and dot segments. Parameters
    are sorted. Accepts an address without a scheme. Looks at 2,000 characters at most.
    """
    text = "".join(c for c in url[:LONGEST] if unicodedata.category(c) not in ("Cc", "Cf")).strip()
    opening = _SCHEME.match(text)
    scheme = (opening.group(1) or "").lower() if opening else ""
    if scheme not in _PORTS:
        return None
    rest = text[opening.end() :] if opening else text
    rest = rest.partition("#")[0].replace("\\", "/")
    before, _, query = rest.partition("?")
    authority, _, path = before.partition("/")
    place = _place(authority.rpartition("@")[2], scheme)
    if place is None:
        return None
    return place + _path(path) + _query(query)


def candidates(form: str) -> list[str]:
    """Return what an entry in a list may be to speak of this canonical address, the widest last.

    An entry with a path speaks of all that lies below it on that host, with or without `www.`; an
    entry that is only a host speaks of its subdomains as well.
    """
    before, _, query = form.partition("?")
    place, _, path = before.partition("/")
    segments = path.split("/")[:_SEGMENTS] if path else []
    paths = ["/" + "/".join(segments[:count]) for count in range(len(segments), 0, -1)]
    if query:
        paths.insert(0, f"/{path}?{query}" if path else f"?{query}")
    hosts = [place, place.removeprefix("www.")] if place.startswith("www.") else [place]
    found = [host + part for part in paths for host in hosts]
    return found + _parents(place)


def _parents(place: str) -> list[str]:
    """Return the host with its port, the host, and the names it lies under (not a bare ending)."""
    if place.startswith("["):
        return list(dict.fromkeys([place, place.partition("]")[0] + "]"]))
    host = place.partition(":")[0]
    if host.rpartition(".")[2].isdigit():
        return list(dict.fromkeys([place, host]))
    labels = host.split(".")
    ends = [".".join(labels[count:]) for count in range(max(len(labels) - 1, 1))]
    return list(dict.fromkeys([place, host, *ends[-_LABELS:]]))


def _place(authority: str, scheme: str) -> str | None:
    host, colon, port = authority.rpartition(":")
    if not colon or (authority.startswith("[") and not authority.rpartition("]")[2]):
        host, port = authority, ""
    if not (port == "" or (port.isascii() and port.isdigit() and len(port) <= 5)):
        return None
    name = _host(unquote(host))
    if not name:
        return None
    number = port.lstrip("0") if port else ""
    plain = number in ("", _PORTS[scheme], *(("80", "443") if not scheme else ()))
    return name if plain else f"{name}:{number}"


@lru_cache(maxsize=4096)
def _host(host: str) -> str | None:
    """Return a host as ASCII in lower case, an address as its usual writing; None for no host."""
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host.strip('[]')).compressed}]"
        except ValueError:
            return None
    name = host.translate(_DOTS).strip(".").lower()
    if number := dotted(name):
        return number
    if not name or len(name) > 253 or any(c in name for c in ' /\\<>"%^`{|}[]@:'):
        return None
    if name.isascii():
        return name
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return unicodedata.normalize("NFKC", name).casefold()


def dotted(name: str) -> str | None:
    """Return an IPv4 address in its usual writing, whichever it came in; None for another host."""
    parts = name.split(".")
    if not 1 <= len(parts) <= 4 or not all(_WRITTEN.fullmatch(part) for part in parts):
        return None
    try:
        values = [int(part, 0) if part[:2] == "0x" and part[2:] else _octal(part) for part in parts]
    except ValueError:
        return None
    last = values.pop()
    if any(value > 255 for value in values) or last >= 256 ** (4 - len(values)):
        return None
    total = last + sum(value << (24 - 8 * place) for place, value in enumerate(values))
    return str(ipaddress.IPv4Address(total))


def _octal(part: str) -> int:
    if part == "0x":
        return 0
    return int(part, 8) if len(part) > 1 and part[0] == "0" else int(part)


def _path(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        plain = quote(unquote(segment), safe=_SAFE)
        if plain == "..":
            kept[-1:] = []
        elif plain not in ("", "."):
            kept.append(plain)
    return "/" + "/".join(kept) if kept else ""


def _query(query: str) -> str:
    kept = []
    for pair in query.split("&"):
        name = pair.partition("=")[0].lower()
        if pair and name not in _TRACKING and not name.startswith("utm_"):
            kept.append(quote(unquote(pair.replace("+", " ")), safe=_SAFE))
    return "?" + "&".join(sorted(kept)) if kept else ""
