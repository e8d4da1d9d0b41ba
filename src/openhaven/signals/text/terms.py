"""Lists of terms, found in texts in spite of evasion, and not found inside innocent words.

Finding has two steps. All terms of all lists are searched at once in the text's letters with
repeats squeezed and gaps left out: that misses nothing and takes time linear in the text. Each
place found is then checked against what stands there: word boundaries, gaps and repeats must be
ones by which a reader would still see the term.

A terms file has one term a line; `#` begins a comment line; `~term` also matches inside words;
`sha256:…` stands for a word that nobody need read (`hidden`).
"""

from collections.abc import Collection, Iterable
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
from ahocorasick_rs import AhoCorasick

from openhaven.core import Problem
from openhaven.signals.text.hidden import ENTRY, Hidden
from openhaven.signals.text.skeleton import (
    LONGEST,
    Codes,
    Places,
    Skeleton,
    as_text,
    runs,
    squeezed,
)

MAX_CHECKS = 20_000
STRETCHED = 3  # "soooo": three of a letter are no spelling, two may be
SPACED = 3  # "b a d": shorter terms would be seen in initials
_OWN_WORDS = frozenset("ai")


class Found(NamedTuple):
    """A term in a text: the list, the term's place in it, and the span in the original text."""

    list: str
    term: int
    start: int
    end: int


class Search(NamedTuple):
    """What was found, each term once, and whether the text was searched to its end."""

    found: list[Found]
    whole: bool


class TermList(NamedTuple):
    """A named list of terms, each as it was written, `~` included."""

    name: str
    terms: tuple[str, ...]

    @classmethod
    def read(cls, name: str, text: str) -> "TermList":
        """Read a terms file: a term a line, `#` begins a comment line, empty lines do not count."""
        lines = (line.strip() for line in text.splitlines())
        return cls(name, tuple(line for line in lines if line and not line.startswith("#")))


class _Term:
    """One term, taken apart as texts are."""

    def __init__(self, owner: str, number: int, written: str) -> None:
        bone = Skeleton(written.removeprefix("~"))
        if not len(bone.signs):
            raise Problem(
                "terms.empty",
                f"Term {number + 1} of the list “{owner}” has no letter or digit.",
                next_step="Write a word, or take the line out.",
            )
        self.owner, self.number = owner, number
        self.inside = written.startswith("~")
        self.letters = bone.readings()[0]
        self.heads = runs(self.letters).tolist()
        self.pattern = as_text(self.letters[self.heads])
        self.size = len(self.letters)
        self.counts = np.diff([*self.heads, self.size]).tolist()
        self.breaks = {place for place in np.flatnonzero(bone.gaps > 0).tolist() if place}
        self.digits = {
            int(place): int(bone.signs[place])
            for place in np.flatnonzero((bone.signs >= 48) & (bone.signs <= 57))
        }
        self._form = (owner, number, self.inside, bone.signs.tobytes(), bone.gaps.tobytes())
        self.native = bool((bone.signs > 127).any() or not written.isascii())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Term) and self._form == other._form

    def __hash__(self) -> int:
        return hash(self._form)


class Terms:
    """All lists of terms, compiled into one search. Immutable, safe for many threads."""

    def __init__(self, lists: Iterable[TermList]) -> None:
        """Compile the lists; raises `Problem` for a term without a letter or digit."""
        self.lists = tuple(lists)
        self._by_pattern: dict[str, list[_Term]] = {}
        entries = [
            (written, one.name, number)
            for one in self.lists
            for number, written in enumerate(one.terms)
        ]
        self._hidden = Hidden(entry for entry in entries if ENTRY.fullmatch(entry[0]))
        for written, owner, number in entries:
            if not ENTRY.fullmatch(written):
                # Some letters look like another one in capitals (Greek nu: v, N), so both count.
                forms = {_Term(owner, number, form) for form in (written, written.upper())}
                for term in forms:
                    self._by_pattern.setdefault(term.pattern, []).append(term)
        self._patterns = list(self._by_pattern)
        self._search = AhoCorasick(self._patterns)

    def find(self, text: str) -> Search:
        """Return the terms in `text`, each once with its first place; at most 100,000 characters.

        `whole` is false when the text is longer, or so full of near misses that the rest of them
        was left unchecked.
        """
        if not text or not self.lists:
            return Search([], whole=True)
        hidden = [Found(*one) for one in self._hidden.find(text)]
        found = {(one.list, one.term): one for one in hidden}
        if not self._patterns or not any(
            self._search.find_matches_as_indexes(reading) for reading in squeezed(text)
        ):
            return Search(_ordered(found), whole=len(text) <= LONGEST)
        bone = Skeleton(text)
        left = MAX_CHECKS
        for letters in bone.readings():
            left = self._read(bone, letters, found, left)
        return Search(_ordered(found), left > 0 and len(text) <= len(bone.text))

    def _read(
        self, bone: Skeleton, letters: Codes, found: dict[tuple[str, int], Found], left: int
    ) -> int:
        heads = runs(letters)
        squeezed = as_text(letters[heads])
        matches = self._search.find_matches_as_indexes(squeezed, overlapping=True)
        if not matches:
            return left
        view = _View(bone, letters, heads)
        for pattern, first, after in matches:
            for term in self._by_pattern[self._patterns[pattern]]:
                if (term.owner, term.number) in found:
                    continue
                left -= 1
                if left <= 0:
                    return 0
                if span := view.seen(term, first, after):
                    found[term.owner, term.number] = Found(term.owner, term.number, *span)
        return left


def _ordered(found: dict[tuple[str, int], Found]) -> list[Found]:
    return sorted(found.values(), key=lambda one: (one.start, one.end))


class _View:
    """One reading of a text, as plain lists, for checking the places that the search found."""

    def __init__(self, bone: Skeleton, letters: Codes, heads: Places) -> None:
        self._bone = bone
        self._signs = bone.signs
        self._size = len(letters)
        self._heads: list[int] = [*heads.tolist(), len(letters)]
        self._gaps = bone.gaps
        self._starts, self._ends = bone.edges
        self._foreign = int((bone.signs > 127).sum()) * 2 > len(bone.signs)

    def seen(self, term: _Term, first: int, after: int) -> tuple[int, int] | None:
        """Return the span in the text where a reader sees the term in these runs, or None."""
        head, tail = self._heads[first], self._heads[after]
        if tail - head < term.size:
            return None
        starts = self._openings(term, head, self._heads[first + 1])
        ends = self._closings(term, self._heads[after - 1], tail) if starts else ()
        for start, end in product(starts, ends):
            if end - start >= term.size and self._fits(term, first, after, start, end):
                places = self._bone.places
                return int(places[start]), int(places[end - 1]) + 1
        return None

    def _openings(self, term: _Term, head: int, after: int) -> Collection[int]:
        """Return the places in the first run where the term may begin."""
        if term.inside:
            return {head, max(after - term.counts[0], head)}
        return _marks(self._starts, head, after)

    def _closings(self, term: _Term, head: int, after: int) -> Collection[int]:
        """Return the places in the last run after which the term may end."""
        if term.inside:
            return {after, min(head + term.counts[-1], after)}
        return _marks(self._ends, head + 1, after + 1)

    def _fits(self, term: _Term, first: int, after: int, start: int, end: int) -> bool:
        heads = [start, *self._heads[first + 1 : after], end]
        counts = [later - earlier for earlier, later in pairwise(heads)]
        return (
            _repeats_fit(term.counts, counts)
            and self._signs_fit(term, heads, start, end)
            and self._gaps_fit(term, heads, start, end)
        )

    def _signs_fit(self, term: _Term, heads: list[int], start: int, end: int) -> bool:
        """Digits of a term stand for themselves; a number or a price is not read as a word."""
        signs = self._signs[start:end]
        for place, digit in term.digits.items():
            run = int(np.searchsorted(term.heads, place, "right")) - 1
            if not (self._signs[heads[run] : heads[run + 1]] == digit).any():
                return False
        letters = (signs >= ord("a")) & (signs != ord("|"))
        if not term.digits and not letters.any() and ((signs >= 48) & (signs <= 57)).any():
            return False
        return term.native or not self._foreign or self._ascii_inside(start, end)

    def _ascii_inside(self, start: int, end: int) -> bool:
        """In a text of another script, a word wholly of that script is read in that script."""
        places = self._bone.places[start:end]
        return any(self._bone.text[place].isascii() for place in places.tolist())

    def _gaps_fit(self, term: _Term, heads: list[int], start: int, end: int) -> bool:
        inner = self._gaps[start + 1 : end].tolist()
        if not any(inner):
            return True
        if all(inner) and term.size >= SPACED:
            return not self._amid_letters(term, start, end)
        expected = _expected(term, heads)
        odd = [gap for place, gap in enumerate(inner, start + 1) if gap and place not in expected]
        return not odd or (2 not in odd and term.size >= SPACED)

    def _amid_letters(self, term: _Term, start: int, end: int) -> bool:
        """Say whether spaced letters are only part of a longer spaced word, as in `s p a r k`."""
        if term.inside:
            return False
        places = self._bone.places
        widest = int(np.diff(places[start:end]).max())
        before = start > 0 and places[start] - places[start - 1] <= widest
        if before and self._alone(start - 1) and not self._own_word(start - 1):
            return True
        return end < self._size and places[end] - places[end - 1] <= widest and self._alone(end)

    def _alone(self, place: int) -> bool:
        next_gap = place + 1 >= self._size or self._gaps[place + 1] > 0
        return bool((place == 0 or self._gaps[place] > 0) and next_gap)

    def _own_word(self, place: int) -> bool:
        """Say whether a lone letter is a word of its own that ends a usual phrase: `is a b a d`."""
        lone_before = place > 0 and self._alone(place - 1)
        return chr(int(self._signs[place])) in _OWN_WORDS and not lone_before


def _marks(flags: bytes, start: int, end: int) -> Collection[int]:
    """Return the first and the last marked place of a range, and their inner neighbours."""
    first = flags.find(1, start, end)
    if first < 0:
        return ()
    last = flags.rfind(1, start, end)
    if first == last:
        return (first,)
    return {first, flags.find(1, first + 1, end), flags.rfind(1, start, last), last}


def _repeats_fit(wanted: list[int], counts: list[int]) -> bool:
    """Each letter as often as spelled, or stretched; or every letter doubled alike."""
    pairs = list(zip(wanted, counts, strict=True))
    if all(count == want or count >= max(STRETCHED, want) for want, count in pairs):
        return True
    return all(count >= 2 * want for want, count in pairs)


def _expected(term: _Term, heads: list[int]) -> set[int]:
    """Return the places in the text where the term itself has a gap."""
    places: set[int] = set()
    for place in term.breaks:
        run = int(np.searchsorted(term.heads, place, "right")) - 1
        inside = place > term.heads[run]
        places.update(range(heads[run] + 1, heads[run + 1]) if inside else (heads[run],))
    return places
