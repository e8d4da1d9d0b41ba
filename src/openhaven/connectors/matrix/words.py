"""What a Matrix message says: its text as people see it, its links, its files. Pure.

A client shows `formatted_body` where there is one, so harm could stand there beside a harmless
`body`; both are read. Every pattern here takes time in proportion to the text.
"""

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from openhaven.connectors.matrix.client import parts_of

_BREAK = re.compile(r"</?(?:br|p|div|li|ul|ol|h[1-6]|blockquote|pre|tr|hr)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_HREF = re.compile(r"""href=["'](https?://[^"'<>\s]{1,1990})["']""", re.IGNORECASE)
_SRC = re.compile(r"""src=["'](mxc://[^"'<>\s]{1,550})["']""", re.IGNORECASE)
_REPLY = "<mx-reply>"
LONGEST = 100_000
FILES = 10
_LONGEST_FILE = 550


def text_of(content: Mapping[str, Any]) -> str | None:
    """Return the words of a message, or None when it has none."""
    plain = _word(content, "body")
    shown = _shown(content)
    name = _word(content, "filename")
    parts = dict.fromkeys(part.strip() for part in (plain, shown, name))
    return "\n".join(part for part in parts if part)[:LONGEST] or None


def links_of(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the addresses behind the words of a formatted message (the text may hold others)."""
    found = _HREF.findall(_word(content, "formatted_body"))
    return tuple(dict.fromkeys(html.unescape(link) for link in found))[:100]


def files_of(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the `mxc://` addresses of a message: the file, its thumbnail, pictures in the text."""
    return tuple(dict.fromkeys(uri for uri in _files(content) if _is_file(uri)))[:FILES]


def has_sealed_file(content: Mapping[str, Any]) -> bool:
    """Say whether a file is attached that only its readers can open."""
    return isinstance(content.get("file"), dict)


def clean(value: Any) -> Any:
    """Return a decoded JSON value without what cannot be stored: NUL and broken surrogates."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {clean(name): clean(member) for name, member in value.items()}
    if isinstance(value, list):
        return [clean(member) for member in value]
    return value


def _shown(content: Mapping[str, Any]) -> str:
    text = _word(content, "formatted_body")
    if text.startswith(_REPLY):
        # What is quoted in front of a reply is somebody else's, and clients do not show it.
        text = (
            text[text.find("</mx-reply>") + len("</mx-reply>") :] if "</mx-reply>" in text else text
        )
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", text)))


def _files(content: Mapping[str, Any]) -> Iterator[str]:
    yield _word(content, "url")
    info = content.get("info")
    if isinstance(info, dict):
        yield _word(info, "thumbnail_url")
    yield from _SRC.findall(_word(content, "formatted_body"))


def _is_file(uri: str) -> bool:
    try:
        parts_of(uri)
    except ValueError:
        return False
    return len(uri) <= _LONGEST_FILE


def _word(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    return value if isinstance(value, str) else ""
