"""What children read is easy enough for them, by a measure that is known.

The measure is the Automated Readability Index (Smith and Senter 1967), which says for which school
year of the United States an English text is fit; it counts letters, words and sentences, and so
needs no dictionary. Four is for children of nine to ten years, six for those of eleven to twelve.
"""

import re
import tomllib

import pytest
import textstat
from pseudo_words import ROOT, script

# Whole pages are measured, and each sentence alone: one hard one can hide among easy ones.
GRADE = 4.0
HARDEST = 11.5
LONGEST = 30
# A notice has to say what the law asks for; it is read by everybody, and so by children.
LAWFUL = {"a notice": 6.0, "an appeal": 6.0}
CHILDREN = {
    "support": ("support/",),
    "a removal": ("survivors/templates/removal", "survivors/templates/parts"),
    "a threat": ("survivors/templates/threat",),
    "a watch": ("survivors/templates/watch",),
    "how far it is": ("survivors/templates/status", "survivors/templates/thanks"),
    "an age": ("protections/templates/", "protections/appeals", "protections/pages"),
    "a notice": ("decisions/words",),
    "an appeal": ("decisions/templates/appeal",),
    "a report": ("intake/templates/report", "intake/templates/thanks", "intake/templates/state"),
}


def read_by_children() -> dict[str, list[str]]:
    """Return the sentences of each page, and of the protections, that children read."""
    found: dict[str, list[str]] = {name: [] for name in CHILDREN}
    for message in script().extracted():
        for name, places in CHILDREN.items():
            where = [path.removeprefix("src/openhaven/") for path, _ in message.locations]
            if message.id and any(one.startswith(places) for one in where):
                found[name].append(str(message.id))
    file = ROOT / "src" / "openhaven" / "protections" / "data" / "words.en.toml"
    for side, words in tomllib.loads(file.read_text("utf-8")).items():
        if isinstance(words, dict):
            found[f"protections, {side}"] = [one["child"] for one in words.values() if one["child"]]
    return found


PAGES = read_by_children()


def spoken(text: str) -> str:
    """Return a text as it is read: with a word for each place."""
    return re.sub(r"\{[a-z_]+\}", "word", text).replace("–", ",").replace("…", ".")


def grade(text: str) -> float:
    """Return the school year that a text is fit for."""
    return float(textstat.automated_readability_index(text))


def test_the_measure_knows_hard_from_easy() -> None:
    assert grade("The cat sat on the mat. It was a big cat.") < 2
    assert grade("Regulatory determinations necessitate considerable administrative care.") > 16


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_is_easy_enough(page: str) -> None:
    texts = [spoken(one) for one in PAGES[page]]
    assert len(texts) >= 5
    whole = " ".join(one if one[-1] in ".?!" else f"{one}." for one in texts)
    assert grade(whole) <= LAWFUL.get(page, GRADE), grade(whole)


@pytest.mark.parametrize("page", sorted(PAGES.keys() - LAWFUL.keys()))
def test_no_sentence_is_hard(page: str) -> None:
    sentences = [
        one for text in PAGES[page] for one in re.split(r"(?<=[.?!:;])\s+", spoken(text)) if one
    ]
    hard = {one: grade(one) for one in sentences if len(one.split()) > 4}
    assert {one: found for one, found in hard.items() if found > HARDEST} == {}
    assert [one for one in sentences if len(one.split()) > LONGEST] == []
