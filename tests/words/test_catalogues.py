"""The catalogues that ship: whole, sound, in their own language, and up to date with the code."""

import re
import subprocess
import sys

import pytest
from babel.messages.catalog import Catalog
from pseudo_words import PLACE, ROOT, catalogue, script, sentences, template

from openhaven.core.words import languages

SHIPPED = ("de", "es", "fr", "it", "ja")
# What is written the same in that language as in English, or is no more than places.
SAME = {
    "{service}: {title}": ("de", "es", "it"),
    "Spam": ("de", "es", "fr", "it"),
    "Australia": ("es", "it"),
    "Me": ("it",),
    "Suicide": ("fr",),
    "Total": ("fr",),
    "Protection": ("fr",),
    "Name": ("de",),
}
_TAG = re.compile(r"<[a-zA-Z/]")


def pairs(found: Catalog) -> list[tuple[str, str]]:
    """Return each English sentence with each of its translations."""
    return [
        (english, said)
        for message in found
        if message.id
        for english, said in zip(_all(message.id), _all(message.string), strict=False)
    ]


def _all(said: object) -> list[str]:
    return [said] if isinstance(said, str) else list(said or [])  # type: ignore[call-overload]


def test_the_template_has_every_sentence_of_the_code_and_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/words", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_languages_that_ship_are_the_promised_ones() -> None:
    assert set(languages()) >= {"en", *SHIPPED}


@pytest.mark.parametrize("language", SHIPPED)
def test_a_language_is_whole(language: str) -> None:
    found = catalogue(language)
    assert sorted(sentences(found)) == sorted(sentences(template()))
    lacking = [m.id for m in found if m.id and not all(_all(m.string) or [""])]
    assert lacking == []
    assert [m.id for m in found if m.fuzzy] == []
    assert found.num_plurals == Catalog(locale=language).num_plurals


@pytest.mark.parametrize("language", SHIPPED)
def test_a_translation_has_the_places_of_its_source(language: str) -> None:
    wrong = [
        (english, said)
        for english, said in pairs(catalogue(language))
        if sorted(PLACE.findall(english)) != sorted(PLACE.findall(said))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", SHIPPED)
def test_no_english_is_left_over(language: str) -> None:
    same = {english for english, said in pairs(catalogue(language)) if english == said}
    assert same == {english for english, where in SAME.items() if language in where}


@pytest.mark.parametrize("language", SHIPPED)
def test_a_translation_is_plain_text_of_about_the_same_length(language: str) -> None:
    for english, said in pairs(catalogue(language)):
        assert not _TAG.search(said), said
        assert said == said.strip()
        assert "⟦" not in said
        # Half a sentence, or two in one, is a slip; Japanese needs fewer signs.
        assert len(english) / 6 - 6 < len(said) < 2.2 * len(english) + 25, (english, said)


def test_nothing_is_said_in_two_words_for_the_same_thing_twice() -> None:
    """Two English sentences with one translation are a slip, but for a few that do not differ."""
    for language in SHIPPED:
        told: dict[str, set[str]] = {}
        for english, said in pairs(catalogue(language)):
            told.setdefault(said, set()).add(english)
        # A full stop or a colon more makes no other sentence.
        twice = {
            said: english
            for said, english in told.items()
            if len(english) > 1 and len({one.rstrip(".:?").lower() for one in english}) > 1
        }
        assert twice == {}, language


def test_the_script_finds_marks_in_every_kind_of_file() -> None:
    found = {place for message in script().extracted() for place, _ in message.locations}
    assert "src/openhaven/protections/data/words.en.toml" in found
    assert "src/openhaven/decisions/words.py" in found
    assert "src/openhaven/web/templates/base.html" in found
