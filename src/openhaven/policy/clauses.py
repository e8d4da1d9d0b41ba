"""Reads policy.md: the clauses in plain words, each under a heading with an anchor.

A clause looks like this:

    ## Pictures of child abuse {#child-abuse-pictures}
    Ground: law, the law of your country on sexual abuse of children

    We never allow …
"""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

from openhaven.core import Ground
from openhaven.policy.model import Clause
from openhaven.policy.places import PackError, Place, Source

_HEADING = re.compile(r"##\s+(?P<title>.*?)\s*(?:\{#(?P<anchor>[^}]*)\})?\s*")
_ANCHOR = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_GROUND = re.compile(r"Ground:\s*(?P<ground>[^,]*?)\s*(?:,\s*(?P<reference>.*?))?\s*")
_LONGEST = 10_000


def read_all_clauses(
    texts: Mapping[str, str], order: Iterable[str], errors: list[PackError]
) -> dict[str, Clause]:
    """Return the clauses of the packs that stand at `order` in `texts`, by anchor.

    An anchor that two packs have is among the mistakes.
    """
    clauses: dict[str, Clause] = {}
    files: dict[str, str] = {}
    for file in (f"{at}policy.md" for at in order if f"{at}policy.md" in texts):
        source = Source(file, texts[file])
        for anchor, clause in read_clauses(source, errors).items():
            if anchor in clauses:
                what = f"The clause “{anchor}” stands in {files[anchor]}, too."
                errors.append(source.error(source.find(f"{{#{anchor}}}"), what))
            clauses[anchor], files[anchor] = clause, file
    return clauses


def read_clauses(source: Source, errors: list[PackError]) -> dict[str, Clause]:
    """Return the clauses of a policy by anchor, in their order; mistakes go to `errors`."""
    clauses: dict[str, Clause] = {}
    starts = [at for at, line in enumerate(source.lines) if line.startswith("## ")]
    for first, last in pairwise([*starts, len(source.lines)]):
        clause = _clause(source, first, last, errors)
        if clause is None:
            continue
        if clause.anchor in clauses:
            what = f"The clause “{clause.anchor}” stands here twice."
            errors.append(source.error(_at(source, first, "{#"), what))
        clauses[clause.anchor] = clause
    if not starts:
        what = "There is no clause. A clause starts with “## Title {#anchor}”."
        errors.append(source.error(Place(1, 1), what))
    return clauses


def _clause(source: Source, first: int, last: int, errors: list[PackError]) -> Clause | None:
    heading = _HEADING.fullmatch(source.lines[first].rstrip("\r"))
    title, anchor = (heading["title"], heading["anchor"]) if heading else ("", None)
    if anchor is None or not _ANCHOR.fullmatch(anchor):
        what = "A clause needs an anchor of small letters and hyphens: “## Title {#anchor}”."
        errors.append(source.error(_at(source, first, "{#"), what))
        return None
    body = [line.rstrip() for line in source.lines[first + 1 : last]]
    grounds = [at for at, line in enumerate(body) if line.startswith("Ground:")]
    text = _unwrapped(line for at, line in enumerate(body) if at not in grounds)
    if not title or not 0 < len(text) <= _LONGEST:
        what = f"A clause needs a title and a text of at most {_LONGEST} characters."
        errors.append(source.error(Place(first + 1, 1), what))
    if len(grounds) != 1:
        what = "A clause needs one line “Ground: terms, …” or “Ground: law, …”."
        errors.append(source.error(Place(first + 1, 1), what))
        return Clause(anchor, title, text, "terms", "")
    ground, reference = _ground(source, Place(first + 2 + grounds[0], 1), errors)
    return Clause(anchor, title, text, ground, reference)


def _ground(source: Source, place: Place, errors: list[PackError]) -> tuple[Ground, str]:
    """Return what the line at `place` says: the terms or the law, and which."""
    match = _GROUND.fullmatch(source.lines[place.line - 1].rstrip("\r"))
    ground, reference = (match["ground"], match["reference"]) if match else ("", "")
    if ground not in ("terms", "law") or not reference:
        what = "The ground is “terms” or “law”, a comma, and which terms or which law."
        errors.append(source.error(place, what))
    return ("law" if ground == "law" else "terms"), reference or ""


def _at(source: Source, line: int, word: str) -> Place:
    """Return the place of `word` in the line with this number (from 0), or the line's beginning."""
    return Place(line + 1, max(source.lines[line].find(word), 0) + 1)


def _unwrapped(lines: Iterable[str]) -> str:
    """Return the text with the line breaks of the file taken out, and those of paragraphs kept."""
    paragraphs = "\n".join(line.strip() for line in lines).split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs if one.strip())
