"""The words: short, and easy enough for who reads them."""

import re

import pytest
from worlds import CHECK, FILES

from openhaven.core import Problem
from openhaven.protections.wording import Words

_VOWELS = re.compile(r"[aeiouy]+")


def syllables(word: str) -> int:
    """Return about how many syllables an English word has."""
    word = word.lower().rstrip("'")
    silent = word.endswith("e") and not word.endswith(("le", "ee")) and len(word) > 3
    return max(1, len(_VOWELS.findall(word)) - silent)


def age(text: str) -> float:
    """Return the reading age of a text: the Flesch-Kincaid grade (1975) and five years."""
    words = re.findall(r"[A-Za-z']+", text)
    sentences = max(1, len(re.findall(r"[.!?]", text)))
    many = sum(syllables(word) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * many / len(words) - 15.59 + 5


PARTS = [
    (side, code, young)
    for language, side, code, young in CHECK.words._parts
    if language == "en" and CHECK.words.part("en", side, code, young=young).text
]


def test_the_measure_knows_hard_from_easy() -> None:
    assert age("The cat sat on the mat. It was a big cat.") < 8
    assert age("Regulatory determinations necessitate considerable administrative care.") > 16


@pytest.mark.parametrize(("side", "code", "young"), PARTS)
def test_sentences_are_easy_to_read(side: str, code: str, young: bool) -> None:
    text = CHECK.words.part("en", side, code, young=young).text
    assert age(text) <= (10.5 if young else 12.5), (age(text), text)
    assert len(text) <= 220
    for sentence in re.split(r"[.!?]", text):
        assert len(sentence.split()) <= 20, sentence


@pytest.mark.parametrize("code", sorted(CHECK.words._reasons["en"]))
def test_reasons_are_easy_to_read(code: str) -> None:
    for young in (False, True):
        text = CHECK.words.reason("en", code, young=young)
        assert age(text) <= (10.5 if young else 12.5), (age(text), text)


def test_the_words_are_there_in_every_language() -> None:
    words = Words(FILES)
    assert words.languages >= {"de", "en", "es", "fr", "it", "ja"}
    english = words.part("en", "sender", "not_available", young=False).text
    assert words.part("de-AT", "sender", "not_available", young=False).text != english
    # A language that is missing is English.
    assert words.part("tlh", "sender", "not_available", young=False).text == english


def test_words_that_cannot_be_read_are_refused() -> None:
    english = FILES["words.en.toml"]
    for broken in (english.replace("[sender.night]", "[sender.night"), "", "language = 1"):
        with pytest.raises(Problem):
            Words(FILES | {"words.en.toml": broken})
