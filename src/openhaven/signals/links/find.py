"""Links inside texts, and lists of links."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import re2

from openhaven.signals.links.canonical import candidates, canonical

MOST = 200

_LABEL = r"[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}_-]*[\p{L}\p{M}\p{N}])?"
_NAME = rf"(?:{_LABEL}\.)+(?:\p{{L}}[\p{{L}}\p{{M}}]+|xn--[a-z0-9-]+)\.?"
_REST = r"(?::\d{1,5})?(?:[/?#\\][^\s<>\"]*)?"
_LINK = re2.compile(
    rf"(?i)(?:h(?:tt|xx)ps?:[/\\]+(?:[^\s<>\"/\\@]+@)?[^\s<>\"/\\?#]+{_REST}|{_NAME}{_REST})"
)
_DEFANGED = re2.compile(r"(?i)\s?[\[({]\s?(?:\.|dot)\s?[\])}]\s?|\s+dot\s+")
_COLON = re2.compile(r"(?i)h(?:tt|xx)p(s?)\[?:\]?(//)?")
_DOTS = "\u3002\uff0e\uff61"
_BRACKETED = re.compile(r"[\[({]\s?\.")
# Every link has a dot in front of something, or a colon in front of a slash.
_HINT = re.compile(r"\.[^\s.]|:[/\\]")
# What RE2 takes for white space, which stands in no link.
_SPACE = re.compile(r"[\t\n\f\r ]+")
_TAIL = ".,;:!?'\")]}>…"


class _Shown(dict[str, str]):
    """Characters as an address shows them, filled as they are met: far dots are dots."""

    def __missing__(self, char: str) -> str:
        invisible = unicodedata.category(char) == "Cf"
        found = self[char] = "." if char in _DOTS else "" if invisible else char
        return found


_SHOWN = _Shown()


class FoundLink(NamedTuple):
    """An entry of a list that an address matches: the list and the entry's place in it."""

    list: str
    entry: int


def links_in(text: str) -> list[str]:
    """Return the web addresses in a text in canonical form, each once, 200 at most.

    Also seen: names without a scheme, `hxxp`, `[.]` and “dot” in place of a dot. What only looks
    like a name, such as two sentences without a space, does no harm: it is on no list.
    """
    found: dict[str, None] = {}
    for match in written(text):
        form = canonical(match)
        if form is not None:
            found[form] = None
        if len(found) >= MOST:
            break
    return list(found)


def written(text: str) -> Iterator[str]:
    """Yield the web addresses in a text as they are written, but for what hides them."""
    plain = text
    if not text.isascii():
        plain = "".join(map(_SHOWN.__getitem__, text))
    low = plain.lower()
    if "dot" in low or _BRACKETED.search(low):
        plain = _DEFANGED.sub(".", plain)
    if "hxxp" in low or "[:" in low:
        plain = _COLON.sub(r"http\1://", plain)
    return (match.rstrip(_TAIL) for match in _matches(plain))


def _matches(text: str) -> Iterator[str]:
    """Look for links only in words that can hold one: most texts have none."""
    if _HINT.search(text):
        for word in filter(_HINT.search, _SPACE.split(text)):
            yield from (match.group() for match in _LINK.finditer(word))


class LinkLists:
    """Named lists of links, compared by canonical form. Immutable, safe for many threads."""

    def __init__(self, lists: Mapping[str, Iterable[str]]) -> None:
        """Take lists by name; what is no address is left out and can be had from `refused`."""
        self._known: dict[str, list[FoundLink]] = {}
        self.refused: list[FoundLink] = []
        for name, entries in lists.items():
            for place, entry in enumerate(entries):
                form = canonical(entry)
                found = FoundLink(name, place)
                if form is None:
                    self.refused.append(found)
                else:
                    self._known.setdefault(form, []).append(found)

    def find(self, form: str) -> list[FoundLink]:
        """Return the entries that speak of this canonical address."""
        if not self._known:
            return []
        return [found for key in candidates(form) for found in self._known.get(key, ())]

    def __len__(self) -> int:
        return len(self._known)
