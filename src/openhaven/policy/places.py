"""Where a mistake in a pack stands, and how it is shown: file, line, column, and a caret."""

import difflib
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

import msgspec

from openhaven.core import Problem

_WINDOW = 96


class Place(msgspec.Struct, frozen=True, order=True):
    """A place in a text; line and column count from 1, in characters."""

    line: int
    column: int


START = Place(1, 1)


class PackError(msgspec.Struct, frozen=True, order=True):
    """One mistake in a pack: where it is, what is wrong, and the line as it stands there."""

    file: str
    line: int
    column: int
    message: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"

    def rendered(self) -> str:
        """Return the mistake as text: `file:line:column: message`, the line, and a caret."""
        if not self.source.strip():
            return str(self)
        before, after = self._window()
        return f"{self}\n    {before}{after}\n    {' ' * len(before)}^"

    def _window(self) -> tuple[str, str]:
        """Return the shown part of the line, split at the column."""
        at = self.column - 1
        first = max(0, at - _WINDOW // 2) if len(self.source) > _WINDOW else 0
        last = first + _WINDOW
        before = ("…" if first else "") + visible(self.source[first:at])
        after = visible(self.source[at:last]) + ("…" if len(self.source) > last else "")
        return before, after


class BrokenPack(Problem):
    """A pack that must not be used; `errors` holds every mistake that was found, in file order."""

    def __init__(self, errors: Iterable[PackError]) -> None:
        self.errors = tuple(sorted(set(errors)))
        count = len(self.errors)
        super().__init__(
            "pack.broken",
            "The pack has a mistake." if count == 1 else f"The pack has {count} mistakes.",
            "\n".join(error.rendered() for error in self.errors),
            status=422,
            next_step="Correct it and run `openhaven pack check` on it. A running pack stays.",
        )


def visible(text: str) -> str:
    """Return `text` with tabs as one space and every invisible character written as its number."""
    return "".join(_seen(letter) for letter in text)


def _seen(letter: str) -> str:
    if letter == "\t":
        return " "
    if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"\\u{ord(letter):04x}"
    return letter


def named(letter: str) -> str:
    """Return a character's number and Unicode name, such as `U+0430 CYRILLIC SMALL LETTER A`."""
    return f"U+{ord(letter):04X} {unicodedata.name(letter, 'without a name')}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean “…”?` for what `word` begins, or what is nearest; else nothing."""
    words = sorted(known)
    begun = sorted((w for w in words if len(word) > 2 and w.startswith(word)), key=len)
    near = begun or difflib.get_close_matches(word[:100], words, n=1, cutoff=0.6)
    return f" Did you mean “{near[0]}”?" if near else ""


class Source:
    """The text of one file of a pack, for finding lines and for telling mistakes in it."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.lines = text.split("\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self.lines)]

    def error(self, place: Place, message: str) -> PackError:
        """Return the mistake `message` at `place`, with the line that stands there."""
        line = self.lines[place.line - 1] if 0 < place.line <= len(self.lines) else ""
        return PackError(self.file, place.line, place.column, message, line.rstrip("\r"))

    def find(self, word: str) -> Place:
        """Return the first place of `word` in the text, or its beginning."""
        for number, line in enumerate(self.lines, 1):
            column = line.find(word)
            if column >= 0:
                return Place(number, column + 1)
        return START

    def offset(self, place: Place) -> int:
        """Return the number of characters before `place`."""
        return self._starts[min(place.line, len(self._starts)) - 1] + place.column - 1

    def place(self, offset: int) -> Place:
        """Return the place of the character number `offset` (from 0)."""
        line = bisect_right(self._starts, offset, hi=len(self.lines))
        return Place(line, offset - self._starts[line - 1] + 1)
