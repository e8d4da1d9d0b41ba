"""The sentences of all languages as one value, so that they can be handed to who has no files."""

from collections.abc import Mapping

import msgspec

from openhaven.protections.model import Part

FALLBACK = "en"
Pair = tuple[str, str]


class Said(msgspec.Struct, frozen=True):
    """A part for everybody, and the same for somebody known or thought to be a minor."""

    plain: Part
    child: Part


class Sentences(msgspec.Struct, frozen=True):
    """One language: parts by `side.code`, and the reasons of settings (plain, for a child)."""

    parts: dict[str, Said]
    reasons: dict[str, Pair]


class Spoken:
    """Answers with the sentences of a language; a language that is missing is English."""

    def __init__(self, languages: Mapping[str, Sentences]) -> None:
        """Take the sentences by language; raises `ValueError` when English is not among them."""
        if FALLBACK not in languages:
            raise ValueError("English is missing.")
        self._languages = dict(languages)

    def part(self, language: str, side: str, code: str, *, young: bool) -> Part:
        """Return what one side (`sender` or `recipient`) is told."""
        said = self._of(language).parts[f"{side}.{code}"]
        return said.child if young else said.plain

    def reason(self, language: str, code: str, *, young: bool) -> str:
        """Return why a setting is as it is."""
        return self._of(language).reasons[code][young]

    def _of(self, language: str) -> Sentences:
        found = self._languages.get(language)
        return found or self._languages.get(short(language)) or self._languages[FALLBACK]


def short(language: str) -> str:
    """Return a language without its region or script: `de-AT` is `de`."""
    return language.partition("-")[0].lower()
