"""Reads `terms/*.txt` and `links/*.txt`: one entry a line, `#` starts a line that explains.

A term that nobody need read may stand there as `sha256:…` (`openhaven pack hide` makes it).
"""

import re

from openhaven.policy.places import PackError, Place, Source, named
from openhaven.signals.text import ENTRY

_LINK = re.compile(r"(?:https?://)?[^\s/.:]+(?:\.[^\s/.:]+)+(?::\d+)?(?:/\S*)?")
_HIDDEN = re.compile(r"sha-?256:", re.IGNORECASE)
_LONGEST = 200


def read_list(source: Source, errors: list[PackError]) -> list[str]:
    """Return the entries of a list, each once, in their order; mistakes go to `errors`."""
    entries: dict[str, None] = {}
    for number, line in enumerate(source.lines, 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        if fault := _fault(source.file, entry):
            errors.append(source.error(Place(number, line.find(entry[0]) + 1), fault))
        entries[entry] = None
    if not entries:
        errors.append(source.error(Place(1, 1), "This list is empty; a rule on it never matches."))
    return list(entries)


def _fault(file: str, entry: str) -> str:
    if len(entry) > _LONGEST:
        return f"An entry has at most {_LONGEST} characters."
    if _HIDDEN.match(entry) and not ENTRY.fullmatch(entry):
        return "A hidden word is `sha256:` and 64 digits and small letters from a to f."
    if "links/" in file and not _LINK.fullmatch(entry):
        return "A link is a name such as “example.com”, with or without a path."
    if not any(letter.isalnum() for letter in entry):
        return f"An entry needs a letter or a digit; this starts with {named(entry[0])}."
    return ""
