"""A word that a list holds as a digest is found like a word, and only as that word."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openhaven.core import Problem
from openhaven.signals.text import Terms, digest
from openhaven.signals.text.terms import TermList


def terms_of(*entries: str) -> Terms:
    return Terms([TermList("list", entries)])


WORDS = terms_of("open phrase", digest("zorgblat"), digest("Foo"))


def spans(text: str, terms: Terms = WORDS) -> list[str]:
    return [text[one.start : one.end] for one in terms.find(text).found]


def test_an_entry_is_the_plain_digest_of_the_word() -> None:
    assert digest("Zörgblat") == "sha256:" + hashlib.sha256(b"zorgblat").hexdigest()


@pytest.mark.parametrize(
    "text",
    ["zorgblat", "What a ZORGBLAT!", "so zorrrgblaaat", "z0rgbl4t", "zorgbl@t", "zörgblat",
     "(zorgblat)", "a zоrgblat in other letters", "zorg\u200bblat", "„zorgblat“"],
)  # fmt: skip
def test_a_hidden_word_is_found(text: str) -> None:
    assert len(spans(text)) == 1


@pytest.mark.parametrize(
    "text", ["zorgblatting", "fo", "food", "buzzorgblat", "zorg blat", "", "   ", "200 ... !!"]
)
def test_it_is_not_found_within_other_words(text: str) -> None:
    assert spans(text) == []


def test_it_stands_beside_open_terms_with_its_place_in_list_and_text() -> None:
    text = "An open phrase, then a foo."
    found = WORDS.find(text).found
    assert [(one.term, text[one.start : one.end]) for one in found] == [
        (0, "open phrase"),
        (2, "foo"),
    ]


def test_a_list_may_be_all_hidden() -> None:
    assert spans("a zorgblat", terms_of(digest("zorgblat"))) == ["zorgblat"]


@pytest.mark.parametrize("word", ["two words", "", "...", "@!"])
def test_only_one_word_can_be_hidden(word: str) -> None:
    with pytest.raises(Problem):
        digest(word)


@given(st.text(alphabet="abcdefgh", min_size=3, max_size=12), st.text(max_size=40))
def test_any_word_is_found_among_others(word: str, before: str) -> None:
    terms = terms_of(digest(word))
    assert word in spans(f"{before} {word} and", terms) or word in before.lower()
    assert all(digest(one) == digest(word) or len(one) > len(word) for one in spans(before, terms))
