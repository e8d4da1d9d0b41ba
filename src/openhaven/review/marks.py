"""A text with what the detectors saw in it, cut into plain and marked pieces. Pure."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

# Format characters that have a plain use in many scripts: joiners and direction marks.
_PLAIN = {"\u200c", "\u200d", "\u200e", "\u200f"}


def marked(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[str, bool]]:
    """Cut `text` at `spans` (start and end in characters) into (piece, is it marked).

    Spans may overlap, be empty or lie outside; the pieces always join to the whole text.
    """
    pieces: list[tuple[str, bool]] = []
    at = 0
    for start, end in sorted((max(0, s), min(e, len(text))) for s, e in spans):
        start = max(start, at)
        if start >= end:
            continue
        if start > at:
            pieces.append((text[at:start], False))
        pieces.append((text[start:end], True))
        at = end
    if at < len(text):
        pieces.append((text[at:], False))
    return pieces


def invisible(text: str) -> int:
    """Count characters that nobody sees and that may hide or turn around what is written."""
    return sum(unicodedata.category(c) == "Cf" and c not in _PLAIN for c in text)


def grouped(findings: Iterable[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], int]]:
    """Put equal findings (as a verdict shows them) together and say how often each came."""
    counts: dict[str, tuple[Mapping[str, Any], int]] = {}
    for one in findings:
        key = repr(sorted(one.items()))
        counts[key] = (one, counts.get(key, (one, 0))[1] + 1)
    return list(counts.values())
