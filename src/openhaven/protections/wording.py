"""The words for people, ready made as parts: in English from a file, else from the catalogues."""

import tomllib
from collections.abc import Mapping

import msgspec

from openhaven.core import Problem
from openhaven.core.words import best, languages, translate
from openhaven.protections.model import Part
from openhaven.protections.spoken import FALLBACK, Said, Sentences

SOURCE = "words.en.toml"
# Whom a child may turn to, as topics of help, by code; adults are not sent to anybody.
_HELP: Mapping[str, tuple[str, ...]] = {"kept_away": ("child", "child-abuse")}


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    plain: str
    child: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    language: str
    sender: dict[str, _Words]
    recipient: dict[str, _Words]
    reason: dict[str, _Words]


class Words:
    """The sentences of all languages; a missing language, or sentence, is English."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """Read the English `words.en.toml` of `files`, and what the catalogues make of it.

        Raises `Problem` for a file that is missing or cannot be read.
        """
        english = _read(SOURCE, files.get(SOURCE, ""))
        read = [_in(language, english) for language in languages()]
        self._reasons = {one.language: one.reason for one in read}
        self._parts = {
            (one.language, side, code, young): _part(code, words, young=young)
            for one in read
            for side, of in (("sender", one.sender), ("recipient", one.recipient))
            for code, words in of.items()
            for young in (False, True)
        }

    @property
    def languages(self) -> frozenset[str]:
        """The languages that there are."""
        return frozenset(self._reasons)

    def sentences(self) -> dict[str, Sentences]:
        """Return all of them by language, as a value for who has not the files."""
        return {language: self._sentences(language) for language in sorted(self.languages)}

    def _sentences(self, language: str) -> Sentences:
        codes = [(side, code) for one, side, code, young in self._parts if one == "en" and young]
        return Sentences(
            {
                f"{side}.{code}": Said(
                    self.part(language, side, code, young=False),
                    self.part(language, side, code, young=True),
                )
                for side, code in codes
            },
            {code: (words.plain, words.child) for code, words in self._reasons[language].items()},
        )

    def part(self, language: str, side: str, code: str, *, young: bool) -> Part:
        """Return what one side (`sender` or `recipient`) is told."""
        return self._parts[self._known(language), side, code, young]

    def reason(self, language: str, code: str, *, young: bool) -> str:
        """Return why a setting is as it is."""
        words = self._reasons[self._known(language)][code]
        return words.child if young else words.plain

    def _known(self, language: str) -> str:
        if language in self._reasons:
            return language
        found = best([language])
        return found if found in self._reasons else FALLBACK


def _part(code: str, words: _Words, *, young: bool) -> Part:
    return Part(code, words.child if young else words.plain, _HELP.get(code, ()) if young else ())


def _read(name: str, text: str) -> _File:
    try:
        return msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _broken(f"{name}: {error}") from error


def _in(language: str, english: _File) -> _File:
    """Return the sentences in a language."""
    sender, recipient, reason = (
        {code: _said(language, words) for code, words in of.items()}
        for of in (english.sender, english.recipient, english.reason)
    )
    return _File(language, sender, recipient, reason)


def _said(language: str, words: _Words) -> _Words:
    return _Words(translate(language, words.plain), translate(language, words.child))


def _broken(detail: str) -> Problem:
    return Problem("protections.words", "The words of the protections are not sound.", detail,
                   next_step="Mend the file; it has the names of the one that ships.")  # fmt: skip
