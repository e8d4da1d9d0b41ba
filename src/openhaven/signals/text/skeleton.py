"""A text as the letters that a reader sees, with where they stand and what lies between them."""

import re
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from openhaven.signals.text.fold import SYMBOLS, Folds

LONGEST = 100_000
ONE = ord("1")

_SPACE, _STOP = ord(" "), ord(".")
READ = {**SYMBOLS, "0": "o", "2": "z", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b"}
READ["9"] = "g"
_FOLDS = Folds()
_REPEATED = re.compile(r"(.)(?=\1)", re.DOTALL)

Codes = NDArray[np.uint32]
Places = NDArray[np.int64]


def _table() -> NDArray[np.uint8]:
    folded = [_FOLDS[chr(code)] for code in range(128)]
    return np.array([ord(letter) if letter else 0 for letter in folded], np.uint8)


_ASCII = _table()
_LETTER_OF = np.arange(256, dtype=np.uint32)
for _sign, _letter in READ.items():
    _LETTER_OF[ord(_sign)] = ord(_letter)


class Skeleton:
    """The letters, digits and letter-like symbols of a text, in order.

    `signs` are their folded codes, `letters` the same with digits and symbols read as letters
    (`1` stays: it is read as i and as l), `places` where each stands in the original text.
    """

    def __init__(self, text: str) -> None:
        self.text = text[:LONGEST]
        codes, places = _codes(self.text)
        kept = np.flatnonzero((codes != 0) & (codes != _SPACE) & (codes != _STOP))
        self._codes, self._all_places, self._kept = codes, places, kept
        self.signs: Codes = codes[kept].astype(np.uint32)
        low = np.minimum(self.signs, 255)
        self.letters: Codes = np.where(self.signs < 255, _LETTER_OF[low], self.signs)

    @cached_property
    def places(self) -> Places:
        """Where each sign stands in the original text."""
        return self._all_places[self._kept]

    @cached_property
    def gaps(self) -> Places:
        """What lies before each sign: 0 nothing that is seen, 1 punctuation, 2 white space."""
        spaces = np.cumsum(self._codes == _SPACE)[self._kept]
        stops = np.cumsum(self._codes == _STOP)[self._kept]
        wide = np.diff(spaces, prepend=0) > 0
        return np.where(wide, 2, np.diff(stops, prepend=0) > 0)

    def readings(self) -> list[Codes]:
        """Return the letters with every `1` read as i and, if there is one, as l."""
        ones = self.letters == ONE
        if not ones.any():
            return [self.letters]
        return [np.where(ones, np.uint32(ord(as_)), self.letters) for as_ in "il"]

    @cached_property
    def edges(self) -> tuple[bytes, bytes]:
        """Return where a word may start and where it may end: a byte 1 at each such place.

        A word starts after a gap, after a symbol, and after digits that begin a token. It ends,
        likewise, before a gap, a symbol, or the digits that end a token. Ends are places after the
        last sign, so there is one more of them.
        """
        size = len(self.signs)
        if not size:
            return b"", b"\1"
        here = np.arange(size)
        opens = self.gaps > 0
        opens[0] = True
        heads = np.flatnonzero(opens)
        token = np.cumsum(opens) - 1
        letter = (self.signs >= ord("a")) & (self.signs != ord("|"))
        symbol = ~letter & ((self.signs < ord("0")) | (self.signs > ord("9")))
        first = np.minimum.reduceat(np.where(letter, here, size), heads)[token]
        last = np.maximum.reduceat(np.where(letter, here, -1), heads)[token]
        starts = opens | (here <= first) | np.concatenate([[True], symbol[:-1]])
        ends = np.concatenate([opens, [True]])
        ends[:-1] |= (here > last) | symbol
        return starts.tobytes(), ends.tobytes()


class _Letters(dict[str, str]):
    """Characters to the letters of `Skeleton.letters` that they give, filled as they are met."""

    def __missing__(self, char: str) -> str:
        signs = (sign for sign in _FOLDS[char] if sign not in " .")
        found = self[char] = "".join(READ.get(sign, sign) for sign in signs)
        return found


_LETTERS = _Letters()


def squeezed(text: str) -> list[str]:
    """Return every reading of a text's letters with repeats squeezed: all that a search needs.

    The same as taking the first letter of each of the `runs` of `Skeleton(text).readings()`, at a
    quarter of the cost; the rest of a skeleton is only needed where the search finds something.
    """
    letters = "".join(map(_LETTERS.__getitem__, text[:LONGEST]))
    readings = [letters.replace("1", as_) for as_ in "il"] if "1" in letters else [letters]
    return [_REPEATED.sub("", reading) for reading in readings]


def folded(text: str) -> str:
    """Return a text as a reader takes it: small letters, " " and "." for what parts words."""
    return "".join(map(_FOLDS.__getitem__, text))


def places_in(text: str) -> list[int]:
    """Return, for each character of `folded(text)`, its place in `text`."""
    return [place for place, char in enumerate(text) for _ in _FOLDS[char]]


def _codes(text: str) -> tuple[Codes | NDArray[np.uint8], Places]:
    """Return the folded codes of a text and the place in the text that each came from."""
    if text.isascii():
        codes = _ASCII[np.frombuffer(text.encode("ascii"), np.uint8)]
        return codes, np.arange(len(text))
    folded = [_FOLDS[char] for char in text]
    lengths = np.fromiter(map(len, folded), np.int64, len(folded))
    joined = np.frombuffer("".join(folded).encode("utf-32-le"), np.uint32)
    return joined, np.repeat(np.arange(len(folded)), lengths)


def runs(letters: Codes) -> Places:
    """Return where each run of equal letters begins."""
    if not len(letters):
        return np.zeros(0, np.int64)
    return np.concatenate([[0], np.flatnonzero(letters[1:] != letters[:-1]) + 1])


def as_text(letters: Codes) -> str:
    """Return codes as a string."""
    return letters.astype("<u4").tobytes().decode("utf-32-le")
