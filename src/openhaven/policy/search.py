"""Seeks patterns in texts in linear time: plain words all at once, other patterns by RE2."""

import re
from collections.abc import Callable

import re2
from ahocorasick_rs import AhoCorasick

_PLAIN = re.compile(r"[^\\.+*?()\[\]{}^$|]+(?:\|[^\\.+*?()\[\]{}^$|]+)*")
_GROUP = re.compile(r"\((?:\?:)?([^()]*)\)")
_FEW = 8
_SHORT = 3
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


def plain_words(pattern: str) -> tuple[str, ...]:
    """Return the words of a pattern that is nothing but `word|word`; empty when it is more."""
    inner = _GROUP.fullmatch(pattern)
    found = inner[1] if inner else pattern
    return tuple(found.split("|")) if _PLAIN.fullmatch(found) else ()


def seeker(words: tuple[str, ...]) -> Callable[[str], frozenset[str]]:
    """Return what says which of `words` (none of them empty) stand in a text.

    A few words are sought one by one, many by one pass over the text (Aho-Corasick). Very short
    words stay out of that pass, since they would be found at every turn.
    """
    one_by_one = [word for word in words if len(word) < _SHORT or len(words) <= _FEW]
    together = [word for word in words if len(word) >= _SHORT and len(words) > _FEW]
    if not together:
        return lambda text: frozenset([word for word in one_by_one if word in text])
    at_once = AhoCorasick(together).find_matches_as_indexes

    def seek(text: str) -> frozenset[str]:
        found = {together[match[0]] for match in at_once(text, overlapping=True)}
        found.update([word for word in one_by_one if word in text])
        return frozenset(found)

    return seek


def searching(pattern: str) -> Callable[[str], bool]:
    """Return what says whether an RE2 pattern matches anywhere in a text.

    A set of patterns answers which of them match and not where, which takes a third of the time of
    a search. It stays silent when its memory runs out; so it also holds the empty pattern, and
    where even that one is not found, the plain search answers.
    """
    both = re2.Set.SearchSet(_OPTIONS)
    both.Add("")
    wanted = both.Add(pattern)
    both.Compile()
    among, plain = both.Match, re2.compile(pattern, _OPTIONS).search

    def search(text: str) -> bool:
        found = among(text)
        return wanted in found if 0 in found else plain(text) is not None

    return search
