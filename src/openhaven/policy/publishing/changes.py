"""What a draft changes, line by line, as a second person reads it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Literal

import msgspec

from openhaven.policy.places import visible

AROUND = 3
LONGEST = 1_500
"""How many lines of one file are shown; beyond, their number is."""
_MATCHED = 4_000

Sign = Literal["+", "-", " "]
Piece = tuple[str, bool]


class Line(msgspec.Struct, frozen=True):
    """One line: added, removed or only around; its numbers before and after; its text in pieces.

    A piece is marked where a removed line and the added one in its place differ. What cannot be
    seen (control and direction characters) is written as its number.
    """

    sign: Sign
    before: int | None
    after: int | None
    pieces: tuple[Piece, ...]


class Change(msgspec.Struct, frozen=True):
    """One file: whether it is new, gone or changed, and its lines in groups that hang together.

    `unshown` counts lines that were left out because there are too many.
    """

    file: str
    how: Literal["new", "gone", "changed"]
    added: int
    removed: int
    groups: tuple[tuple[Line, ...], ...]
    unshown: int


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """Return the files that differ, by name."""
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return [_change(name, before.get(name), after.get(name)) for name in names]


def _change(file: str, before: str | None, after: str | None) -> Change:
    old, new = ((text or "").splitlines() for text in (before, after))
    lines = [list(group) for group in _groups(old, new)]
    shown, left = [], LONGEST
    for group in lines:
        shown.append(tuple(group[:left]))
        left = max(0, left - len(group))
    signs = [line.sign for group in lines for line in group]
    return Change(
        file=file,
        how="new" if before is None else "gone" if after is None else "changed",
        added=signs.count("+"),
        removed=signs.count("-"),
        groups=tuple(group for group in shown if group),
        unshown=max(0, len(signs) - LONGEST),
    )


def _groups(old: Sequence[str], new: Sequence[str]) -> Iterator[Iterator[Line]]:
    """Yield groups of lines with a few around them.

    Equal beginnings and ends are skipped first; where what is left is long, it is not matched
    further, so that the cost stays small however large a list is.
    """
    head = _same(old, new)
    tail = min(_same(old[::-1], new[::-1]), len(old) - head, len(new) - head)
    first = max(0, head - AROUND)
    last = max(0, tail - AROUND)
    a, b = old[first : len(old) - last], new[first : len(new) - last]
    if max(len(a), len(b)) > _MATCHED:
        yield _replaced(a, b, first, first)
        return
    for codes in SequenceMatcher(None, a, b, autojunk=False).get_grouped_opcodes(AROUND):
        yield _lines(codes, a, b, first)


def _same(old: Sequence[str], new: Sequence[str]) -> int:
    pairs = zip(old, new, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(old), len(new)))


def _lines(
    codes: Sequence[tuple[str, int, int, int, int]], a: Sequence[str], b: Sequence[str], at: int
) -> Iterator[Line]:
    for code, a1, a2, b1, b2 in codes:
        if code == "equal":
            for n, text in enumerate(a[a1:a2]):
                yield Line(" ", at + a1 + n + 1, at + b1 + n + 1, ((visible(text), False),))
        else:
            yield from _replaced(a[a1:a2], b[b1:b2], at + a1, at + b1)


def _replaced(old: Sequence[str], new: Sequence[str], a: int, b: int) -> Iterator[Line]:
    alike = len(old) == len(new)
    for n, text in enumerate(old):
        pieces = _pieces(text, new[n]) if alike else ((visible(text), False),)
        yield Line("-", a + n + 1, None, pieces)
    for n, text in enumerate(new):
        pieces = _pieces(text, old[n]) if alike else ((visible(text), False),)
        yield Line("+", None, b + n + 1, pieces)


def _pieces(text: str, other: str) -> tuple[Piece, ...]:
    """Return the text with the part marked that is not in `other` at its beginning or end."""
    head = _same(text, other)
    tail = min(_same(text[::-1], other[::-1]), len(text) - head, len(other) - head)
    end = len(text) - tail
    found = ((text[:head], False), (text[head:end], True), (text[end:], False))
    return tuple((visible(piece), marked) for piece, marked in found if piece)
