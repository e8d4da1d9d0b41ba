"""Lists of links of which only hashes are given, often no more than their first bytes.

The form of an address and the expressions that are hashed are those that Safe Browsing documents
for its version 4 ("URLs and Hashing"), so that lists made for it can be read: an address is looked
up under up to five names of its host and six beginnings of its path, each as SHA-256. The form
differs from `canonical`, which is ours: here nothing is sorted or left out of a query.
"""

import hashlib
import re
from contextlib import suppress
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import idna

from openhaven.signals.links.canonical import LONGEST, dotted

_HOSTS, _PATHS = 5, 4
_SCHEME = re.compile(r"(?i)([a-z][a-z0-9+.-]{0,20}):/{2}")
_BREAKS = str.maketrans("", "", "\t\r\n")
_ESCAPED = re.compile(rb"%[0-9a-fA-F]{2}")
_DOTS = re.compile(r"\.{2,}")
_SLASHES = re.compile(r"/{2,}")
_PLAIN = bytes(code for code in range(33, 127) if chr(code) not in "#%")


@lru_cache(maxsize=2_048)
def expressions(url: str) -> tuple[str, ...]:
    """Return what a list may hold of a web address, the narrowest first; nothing for no address.

    At most 30: the host and up to four names it lies under, each with the path with and without
    its query, and with the first four folders of the path.
    """
    whole = expression(url)
    if whole is None:
        return ()
    host, _, rest = whole.partition("/")
    return tuple(name + path for name in _names(host) for path in _paths("/" + rest))


def expression(url: str) -> str | None:
    """Return `host/path?query` of a web address in the form that is hashed, or None."""
    text = url[:LONGEST].strip(" \t\r\n").translate(_BREAKS)
    opening = _SCHEME.match(text)
    if opening and opening.group(1).lower() not in ("http", "https"):
        return None
    rest = text[opening.end() :] if opening else text
    before, question, query = rest.partition("#")[0].partition("?")
    authority, _, path = before.partition("/")
    host = _host(authority.rpartition("@")[2])
    if not host:
        return None
    return host + _path(path) + (question + _escaped(_unescaped(query)) if question else "")


def hash_of(expressed: str) -> bytes:
    """Return the SHA-256 (32 bytes) of an expression."""
    return hashlib.sha256(expressed.encode()).digest()


def _names(host: str) -> list[str]:
    labels = host.split(".")
    if labels[-1].isdigit() or host.startswith("["):
        return [host]
    ends = [".".join(labels[at:]) for at in range(max(len(labels) - _HOSTS, 0), len(labels) - 1)]
    return list(dict.fromkeys([host, *ends]))[:_HOSTS]


def _paths(rest: str) -> list[str]:
    path, question, _ = rest.partition("?")
    folders = path.split("/")[1:-1]
    begun = ["/" + "".join(f"{one}/" for one in folders[:count]) for count in range(_PATHS)]
    return list(dict.fromkeys([*([rest] if question else []), path, *begun]))


def _host(authority: str) -> str:
    name, colon, port = authority.rpartition(":")
    if colon and (port == "" or port.isdigit()) and not authority.endswith("]"):
        authority = name
    if not authority.isascii():
        with suppress(idna.IDNAError, UnicodeError):
            authority = idna.encode(authority, uts46=True).decode("ascii")
    host = _escaped(_unescaped(authority)).strip(".").lower()
    host = _DOTS.sub(".", host)
    return dotted(host) or host


def _path(path: str) -> str:
    plain = _escaped(_unescaped("/" + path))
    kept: list[str] = []
    segments = _SLASHES.sub("/", plain).split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept[-1:] = []
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in ("..", ".") and (not kept or kept[-1]):
        kept.append("")
    return "/" + "/".join(kept)


def _unescaped(text: str) -> bytes:
    """Return the bytes after percent signs are undone as often as there are any left."""
    found = text.encode("utf-8", "surrogatepass")
    while _ESCAPED.search(found):
        found = unquote_to_bytes(found)
    return found


def _escaped(raw: bytes) -> str:
    return "".join(chr(code) if code in _PLAIN else f"%{code:02X}" for code in raw)
