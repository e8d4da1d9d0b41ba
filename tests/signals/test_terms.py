"""Terms are found in spite of evasion, and not inside what is innocent."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openhaven.core import Problem
from openhaven.signals.text import Terms
from openhaven.signals.text.skeleton import Skeleton, as_text, runs, squeezed
from openhaven.signals.text.terms import TermList

WORDS = """
# a mild list
banana
moon cheese
~zorp
flask
4chan
сыр
μνημη
coop
sand
ass
cunt
penis
тест
"""
TERMS = Terms([TermList.read("demo", WORDS)])


def found(text: str) -> list[tuple[str, str]]:
    return [
        (TERMS.lists[0].terms[one.term], text[one.start : one.end])
        for one in TERMS.find(text).found
    ]


def test_a_terms_file_has_a_term_a_line() -> None:
    assert TermList.read("x", "# no\n\n one \n~two\n").terms == ("one", "~two")


@pytest.mark.parametrize(
    "text",
    [
        "a banana!",
        "BANANA",
        "Banana.",
        "b a n a n a",
        "b.a.n.a.n.a",
        "b-a-n-a-n-a",
        "b_a_n_a_n_a",
        "ba.na-na",
        "b\na\nn\na\nn\na",
        "b4n4n4",
        "B@N@N@",
        "8anana",
        "bаnаnа",
        "b\u200ba\u200bn\u200da\u2060n\ufeffa",
        "ba\u00adnana",
        "\u202ebanana\u202c",
        "bánànâ",
        "b\u0301\u0302\u0303anana",
        "baaanaaanaaa",
        "bbaannaannaa",
        "banananana banana",
        "ｂａｎａｎａ",
        "𝖇𝖆𝖓𝖆𝖓𝖆",
        "ⓑⓐⓝⓐⓝⓐ",
        "🇧🇦🇳🇦🇳🇦",
        "🅱🅰🅽🅰🅽🅰",
        "ᏴАNAΝА",
        "ʙanana",
        "banana123",
        "123banana",
        "$banana$",
        "(banana)",
        "banana™",
        "eat a b a n a n a now",
        "b  a  n  a  n  a",
        "b 4 n 4 n 4",
        "b\u3000a\u3000n\u3000a\u3000n\u3000a",
    ],
)
def test_evasion_is_seen_through(text: str) -> None:
    assert ("banana", "banana") in [(term, "banana") for term, _ in found(text)]


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("mooncheese", "moon cheese"),
        ("MOON  CHEESE", "moon cheese"),
        ("moon-cheese", "moon cheese"),
        ("moon\ncheese", "moon cheese"),
        ("m o o n  c h e e s e", "moon cheese"),
        ("m00n ch33se", "moon cheese"),
        ("xxzorpxx", "~zorp"),
        ("z0rp", "~zorp"),
        ("f1ask", "flask"),
        ("f|ask", "flask"),
        ("4chan", "4chan"),
        ("4 c h a n", "4chan"),
        ("@$$", "ass"),
        ("сыр", "сыр"),
        ("вот сыр и хлеб", "сыр"),
        ("это ТЕСТ", "тест"),
        ("ΜΝΗΜΗ", "μνημη"),
        ("μνημη", "μνημη"),
    ],
)
def test_terms_of_several_sorts(text: str, term: str) -> None:
    assert term in [name for name, _ in found(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Scunthorpe United",
        "S c u n t h o r p e",
        "s.c.u.n.t.h.o.r.p.e",
        "Penistone, Essex and Sussex",
        "passing classes in a grassy passage",
        "assassin, assess, bass, Massachusetts",
        "as said, as seen",
        "bus said",
        "455",
        "$455 or 455.00",
        "call 0455 4554 55",
        "chicken coups and cooperation",
        "bananas and bandanas",
        "band an a",
        "honeymoon cheesecake",
        "thousand sandals",
        "achan",
        "schan",
        "моя сестра сырая",
        "as s",
        "",
        " \n\t",
        "…—“”",
        "\u200b\u202e",
    ],
)
def test_innocents_are_left_alone(text: str) -> None:
    assert found(text) == []


def test_the_span_is_that_of_the_original_text() -> None:
    assert found("eat 🍌 b\u200bа n… b4n4n4 now") == [("banana", "b4n4n4")]
    assert found("a ﬂask") == [("flask", "ﬂask")]


def test_each_list_answers_for_itself() -> None:
    both = Terms([TermList("one", ("apple", "pear")), TermList("two", ("pear",))])
    assert [(hit.list, hit.term) for hit in both.find("a pear").found] == [("one", 1), ("two", 0)]


def test_no_lists_find_nothing() -> None:
    assert Terms([]).find("anything").found == []


def test_a_term_without_letters_is_refused() -> None:
    with pytest.raises(Problem, match="no letter or digit"):
        Terms([TermList("x", ("...",))])


NEUTRAL = ["the", "river", "ran", "slowly", "past", "old", "hut", "quietly", "evening", "light"]
LOOKS = {"a": "а", "b": "Ь", "n": "ո", "k": "к", "s": "ѕ", "l": "ⅼ", "f": "ƒ", "m": "м", "o": "ο"}
LEET = {"a": "4@", "s": "5$", "o": "0", "e": "3", "l": "1|", "b": "8"}
INVISIBLE = "\u200b\u200c\u200d\u2060\u00ad\ufeff\u202e\u2066"
MARKS = "\u0300\u0301\u0308\u0330\u0488"


def evade(term: str, how: str, pick: random.Random) -> str:
    letters = list(term)
    match how:
        case "capitals":
            return "".join(pick.choice([c.lower(), c.upper()]) for c in letters)
        case "invisible":
            return "".join(c + pick.choice(INVISIBLE) for c in letters)
        case "marks":
            return "".join(c + pick.choice(MARKS) * pick.randint(0, 4) for c in letters)
        case "leet":
            return "".join(
                pick.choice(LEET.get(c, c)) if pick.random() < 0.5 else c for c in letters
            )
        case "looks":
            return "".join(LOOKS.get(c, c) if pick.random() < 0.7 else c for c in letters)
        case "spaced":
            return pick.choice([" ", ".", "-", "_", " . "]).join(letters)
        case "repeated":
            return "".join(c * pick.choice([1, 3, 4, 9]) for c in letters)
        case "wide":
            return "".join(chr(ord(c) + 0xFEE0) for c in letters)
        case _:
            base = pick.choice([0x1D41A, 0x1D44E, 0x1D5BA, 0x1D68A])
            return "".join(c if c == "h" else chr(base + ord(c) - ord("a")) for c in letters)


HOWS = ["capitals", "invisible", "marks", "leet", "looks", "spaced", "repeated", "wide", "fancy"]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(NEUTRAL), max_size=8),
    st.sampled_from(["banana", "flask"]),
    st.sampled_from(HOWS),
    st.sampled_from(["invisible", "marks", "none"]),
    st.integers(0, 2**32),
    st.lists(st.sampled_from(NEUTRAL), max_size=8),
)
def test_a_planted_term_is_found(
    before: list[str], term: str, how: str, more: str, seed: int, after: list[str]
) -> None:
    pick = random.Random(seed)
    hidden = evade(term, how, pick)
    if more != "none":
        hidden = evade(hidden, more, pick)
    text = " ".join([*before, hidden, *after])
    assert term in [name for name, _ in found(text)], text
    plain = " ".join([*before, *after])
    assert found(plain) == []


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_answered_with_spans_inside_it(text: str) -> None:
    search = TERMS.find(text)
    assert search.whole
    assert all(0 <= one.start < one.end <= len(text) for one in search.found)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "a s " * 25_000,
        "ass" * 33_000,
        "as.s" * 25_000,
        "\u0301" * 100_000,
        "a\u0301" * 50_000,
        "1" * 100_000,
        "k1" * 50_000,
        "\U0001d587" * 100_000,
        "b a n a n " * 10_000,
        "\u202e" * 100_000,
    ],
)
def test_hostile_texts_cost_little(text: str) -> None:
    started = time.thread_time()
    TERMS.find(text)
    assert time.thread_time() - started < 15


def test_a_text_that_is_too_long_is_said_to_be() -> None:
    search = TERMS.find("banana " + "x " * 60_000)
    assert [one.term for one in search.found] == [0]
    assert not search.whole


@given(
    st.text(
        alphabet=st.one_of(st.characters(), st.sampled_from("aA1l!0 .ſßÀ\u200bабв")), max_size=80
    )
)
def test_the_quick_look_reads_what_the_thorough_one_reads(text: str) -> None:
    thorough = [as_text(letters[runs(letters)]) for letters in Skeleton(text).readings()]
    assert squeezed(text) == thorough
