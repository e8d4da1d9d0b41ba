"""Is what somebody searches for a cry for help? Small lists of words, found in linear time."""

import re
import unicodedata
from functools import cache
from importlib import resources

import ahocorasick_rs
import msgspec
import yaml

from openhaven.core import Problem
from openhaven.support.topics import TOPICS

LONGEST = 300
# Ten times as fast as the one in Python, where it was built with PyYAML.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OTHER = re.compile(r"[^\w]+")
_APOSTROPHE = re.compile("['\u2019\u02bc`]")


class _List(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Phrases of one language that speak of a topic; `but` are phrases that do not, as titles."""

    language: str
    topic: str
    phrases: list[str]
    but: list[str] = []


class Cries:
    """Finds topics in the words of a search. Whole words count, and only whole phrases."""

    def __init__(self, lists: list[_List]) -> None:
        """Take lists; raises `Problem` for a topic that is none, or a phrase without letters."""
        phrases: dict[str, set[str]] = {}
        but: set[str] = set()
        for one in lists:
            if one.topic not in TOPICS:
                raise _broken(f"“{one.topic}” is no topic")
            for phrase in one.phrases:
                phrases.setdefault(_needle(phrase, one.language), set()).add(one.topic)
            but |= {_needle(phrase, one.language) for phrase in one.but}
        self._needles = [*sorted(phrases), *sorted(but - phrases.keys())]
        self._topics = [phrases.get(one, set()) for one in self._needles]
        self._find = ahocorasick_rs.AhoCorasick(self._needles)

    def topics(self, query: str) -> tuple[str, ...]:
        """Return the topics of which a query speaks, in the order of `TOPICS`; mostly none.

        Only the first 300 characters are looked at: nobody cries for help at greater length in a
        search box.
        """
        # An apostrophe stands within a word (`don’t`) or between two (`l’anorexie`).
        found = {topic for joint in ("", " ") for topic in self._in(_plain(query[:LONGEST], joint))}
        return tuple(topic for topic in TOPICS if topic in found)

    def _in(self, text: str) -> set[str]:
        hits = self._find.find_matches_as_indexes(text, overlapping=True)
        shields = [(start, end) for at, start, end in hits if not self._topics[at]]
        return {
            topic
            for at, start, end in hits
            if not any(left <= start and end <= right for left, right in shields)
            for topic in self._topics[at]
        }


def _plain(text: str, joint: str = "") -> str:
    """Return text in one spelling: small letters without accents, one space between words."""
    parts = _APOSTROPHE.sub(joint, unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(one for one in parts if unicodedata.category(one) not in ("Mn", "Cf"))
    return " " + _OTHER.sub(" ", bare).replace("_", " ").strip() + " "


def _needle(phrase: str, language: str) -> str:
    """Return a phrase as it is looked for; Japanese has no spaces between words."""
    plain = _plain(phrase)
    if not plain.strip():
        raise _broken(f"“{phrase}” has no letters")
    return plain.strip() if language == "ja" else plain


@cache
def load() -> Cries:
    """Return the lists that come with the package; raises `Problem` when they are not sound."""
    raw = resources.files("openhaven.support").joinpath("data/cries.yaml").read_text("utf-8")
    try:
        found = yaml.load(raw, _LOADER)  # noqa: S506 (both load plain data only)
        return Cries(msgspec.convert(found, list[_List]))
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise _broken(str(error)) from error


def _broken(detail: str) -> Problem:
    return Problem("support.cries", "The words that are a cry for help are not sound.", detail,
                   next_step="Mend data/cries.yaml of the room `support`.")  # fmt: skip
