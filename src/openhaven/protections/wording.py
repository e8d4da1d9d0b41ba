"""The words for people, from one catalogue file for each language, ready made as parts."""

import tomllib
from collections.abc import Mapping

import msgspec

from openhaven.core import Problem
from openhaven.protections.model import Part
from openhaven.protections.spoken import FALLBACK, Said, Sentences, short

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
    """The sentences of all languages; a missing language is English."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """Read every `words.*.toml` of `files`.

        Raises `Problem` for a file that cannot be read or has not the same sentences as English.
        """
        read = [_read(name, files[name]) for name in sorted(files) if name.startswith("words.")]
        self._reasons = {one.language: one.reason for one in read}
        self._parts = {
            (one.language, side, code, young): _part(code, words, young=young)
            for one in read
            for side, of in (("sender", one.sender), ("recipient", one.recipient))
            for code, words in of.items()
            for young in (False, True)
        }
        names = {one.language: _names(one) for one in read}
        if FALLBACK not in names or any(found != names[FALLBACK] for found in names.values()):
            raise _broken("A language has other sentences than English, or English is missing.")

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
        plain = short(language)
        return plain if plain in self._reasons else FALLBACK


def _part(code: str, words: _Words, *, young: bool) -> Part:
    return Part(code, words.child if young else words.plain, _HELP.get(code, ()) if young else ())


def _read(name: str, text: str) -> _File:
    try:
        return msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _broken(f"{name}: {error}") from error


def _names(one: _File) -> set[tuple[str, str]]:
    parts = {"sender": one.sender, "recipient": one.recipient, "reason": one.reason}
    return {(part, code) for part, words in parts.items() for code in words}


def _broken(detail: str) -> Problem:
    return Problem("protections.words", "The words of the protections are not sound.", detail,
                   next_step="Mend the file; every language has the same names.")  # fmt: skip
