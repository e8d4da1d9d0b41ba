"""Reads `terms/*.txt` and `links/*.txt`: one entry a line, `#` starts a line that explains."""

import re

from openhaven.policy.places import PackError, Place, Source, named

_LINK = re.compile(r"(?:https?://)?[^\s/.:]+(?:\.[^\s/.:]+)+(?::\d+)?(?:/\S*)?")
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
    if file.startswith("links/") and not _LINK.fullmatch(entry):
        return "A link is a name such as “example.com”, with or without a path."
    if not any(letter.isalnum() for letter in entry):
        return f"An entry needs a letter or a digit; this starts with {named(entry[0])}."
    return ""
