"""Words that a list holds only as digests, so that nobody who reads the list has to see them.

An entry is `sha256:` and 64 hex digits: the SHA-256 of the word in small letters without accents
(`digest` makes it). A text is taken apart into words, and each way in which a reader may take a
word (digits and signs as letters, letters stretched) is compared. Unlike open terms, a hidden one
is a single word, and is not found when its letters are spaced out.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product

from openhaven.core import Problem
from openhaven.signals.text.skeleton import LONGEST, READ, folded, places_in

PREFIX = "sha256:"
ENTRY = re.compile(r"sha256:[0-9a-f]{64}")
_WORD = re.compile(r"[^ .]+")
_PLAIN = re.compile(r"(?:([a-z])(?!\1\1))+")
_STRETCHED = re.compile(r"(.)\1{2,}")
_AT_ENDS = "@$!|+"
_MOST_FORMS = 64
_SHORT, _REMEMBERED = 40, 20_000


class Hidden:
    """Digests of words, by the list and the place that each stands in. Immutable."""

    def __init__(self, entries: Iterable[tuple[str, str, int]]) -> None:
        """Take the entries, each with its list and its place there."""
        self._by_digest: dict[bytes, list[tuple[str, int]]] = {}
        for written, owner, number in entries:
            key = bytes.fromhex(written.removeprefix(PREFIX))
            self._by_digest.setdefault(key, []).append((owner, number))
        # The same words come again and again, and most of the work is in their digests.
        self._entries = lru_cache(_REMEMBERED)(self._compared)

    def find(self, text: str) -> list[tuple[str, int, int, int]]:
        """Return list, place in it, and span in the text, of the words that the lists hold."""
        if not self._by_digest:
            return []
        found: dict[tuple[str, int], tuple[int, int]] = {}
        for word in _WORD.finditer(folded(text[:LONGEST])):
            entries = self._entries if len(word.group()) <= _SHORT else self._compared
            for entry in entries(word.group()):
                found.setdefault(entry, word.span())
        if not found:
            return []
        places = places_in(text[:LONGEST])
        return [
            (owner, number, places[start], places[end - 1] + 1)
            for (owner, number), (start, end) in found.items()
        ]

    def _compared(self, word: str) -> tuple[tuple[str, int], ...]:
        """Return list and place of each entry that a reader may take the word for."""
        digests = (hashlib.sha256(form.encode()).digest() for form in _forms(word))
        return tuple(entry for one in digests for entry in self._by_digest.get(one, ()))


def digest(word: str) -> str:
    """Return the entry that stands for `word` in a list. Raises `Problem` for more than one word.

    Capitals, accents and look-alike letters do not matter, so that one entry serves them all.
    """
    plain = folded(word).strip(" .")
    if not _WORD.fullmatch(plain) or not any(letter.isalnum() for letter in plain):
        raise Problem(
            "terms.hidden",
            "A hidden entry is one word of letters or digits.",
            next_step="Give one word on each line.",
        )
    return PREFIX + hashlib.sha256(plain.encode()).hexdigest()


def _forms(word: str) -> Iterator[str]:
    """Yield the ways in which a reader may take a word, the plain one first; 64 at most."""
    yield word
    if _PLAIN.fullmatch(word):
        return
    shapes = dict.fromkeys((word, word.strip(_AT_ENDS)))
    if any(letter.isalpha() for letter in word):
        for shape in tuple(shapes):
            for one in "il" if "1" in shape else "i":
                read = "".join(one if sign == "1" else READ.get(sign, sign) for sign in shape)
                shapes[read] = None
    left = _MOST_FORMS
    for shape in shapes:
        for form in _unstretched(shape):
            yield form
            left -= 1
            if not left:
                return


def _unstretched(word: str) -> Iterator[str]:
    """Yield a word with each letter that stands three times or more once, and twice."""
    parts = _STRETCHED.split(word)
    plain, stretched = parts[::2], parts[1::2]
    for times in product((1, 2), repeat=min(len(stretched), 4)):
        counts = (*times, *[1] * (len(stretched) - len(times)))
        tails = [letter * count for letter, count in zip(stretched, counts, strict=True)]
        yield "".join(a + b for a, b in zip(plain, [*tails, ""], strict=True))
    if stretched:
        yield word
