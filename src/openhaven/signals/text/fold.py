"""One character at a time: what a reader takes it for, whatever it is.

`fold` undoes what costs a writer nothing and a reader nothing: capitals, accents, full-width and
mathematical letters, look-alikes from other scripts, invisible characters, stacked marks. Each
result is decided once and kept.
"""

import unicodedata
from functools import cache

SPACE = " "
STOP = "."
NOTHING = ""

# Punctuation that is read as a letter; digits are read as letters further on.
SYMBOLS = {"@": "a", "$": "s", "!": "i", "|": "l", "+": "t"}

_TRADE = frozenset("™℠®©")  # letters in form, but no part of a word
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u3164\uffa0")
# Virama and nukta (classes 9 and 7) spell words in Indic scripts; other marks decorate.
_SPELLING = (0, 7, 9)


class Folds(dict[str, str]):
    """Characters to what they are read as, filled as they are met; bounded by Unicode's size."""

    def __missing__(self, char: str) -> str:
        found = self[char] = _fold(char)
        return found


def _fold(char: str) -> str:
    """Return letters and digits in lower case, or `SPACE`, `STOP` or `NOTHING`; symbols stay."""
    if char in SYMBOLS:
        return char
    category = unicodedata.category(char)
    if char.isspace() or category[0] == "Z":
        return SPACE
    if category in ("Cf", "Cc", "Cs", "Co", "Cn", "Me") or char in _FILLERS or _selects(char):
        return NOTHING
    if category == "Mn":
        return NOTHING if unicodedata.combining(char) not in _SPELLING else char
    if char.isascii():
        return char.lower() if char.isalnum() else STOP
    if char in _TRADE:
        return STOP
    return _far(char, category)


def _selects(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _far(char: str, category: str) -> str:
    plain = "".join(_bare(part) for part in unicodedata.normalize("NFKD", char))
    if plain and plain != char and all(letter.isalnum() for letter in plain):
        return "".join(_near(letter) for letter in plain.casefold())
    if category[0] == "L" or category in ("Nd", "No", "Nl", "So"):
        return _near(char) or STOP
    return char if category == "Mc" else STOP


def _bare(part: str) -> str:
    return "" if unicodedata.combining(part) not in _SPELLING else part


def _near(char: str) -> str:
    """Return the ASCII that a letter or sign looks like, or the letter itself, or nothing."""
    if char.isascii():
        return char
    if (digit := unicodedata.digit(char, None)) is not None:
        return str(digit)
    low = char.casefold()
    for shape in dict.fromkeys((char, low, char.upper())):
        if twin := _twin(shape):
            return twin
    if _latin(char) and (spelled := _spelled(char)):
        return spelled
    return low if char.isalpha() else NOTHING


def _twin(shape: str) -> str:
    """Return the ASCII letter or digit that has the same shape, or nothing."""
    if len(shape) != 1:
        return NOTHING
    if shape.isascii():
        return shape.lower() if shape.isalnum() else NOTHING
    twins = [twin for twin in _confusables().get(shape, ()) if len(twin) == 1]
    letters = [twin for twin in twins if twin.isascii() and twin.isalnum()]
    return min(letters, key=lambda twin: (twin.isdigit(), twin), default=NOTHING).lower()


@cache
def _confusables() -> dict[str, tuple[str, ...]]:
    # Read when the first such character is met: most processes of most platforms never need it.
    from confusable_homoglyphs import confusables

    return {
        char: tuple(str(twin["c"]) for twin in twins)
        for char, twins in confusables.confusables_data.items()
        if any(str(twin["c"]).isascii() for twin in twins)
    }


def _latin(char: str) -> bool:
    name = unicodedata.name(char, "")
    return "LATIN" in name or "REGIONAL INDICATOR" in name


def _spelled(char: str) -> str:
    from anyascii import anyascii

    letters = "".join(letter for letter in anyascii(char).lower() if letter.isalnum())
    return letters if 0 < len(letters) <= 2 else NOTHING
