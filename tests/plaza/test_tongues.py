"""What somebody reads after something painful is in their language."""

import re
from pathlib import Path

import pytest
from plaza_scene import Double, Running, Visitor, until

import plaza
from plaza import speaking, words

SAID = re.compile(r"""_\(\s*"((?:[^"\\]|\\.)*)\"""")


def sentences() -> set[str]:
    """Return what the painful pages can say: in their templates, and in the tables of words."""
    found = set(words.CATEGORIES.values()) | set(words.REPORT_STATES.values())
    found |= set(words.REPORT_OUTCOMES.values())
    found |= {text for topic in words.TOPICS.values() for text in topic}
    found |= {text for _, name, meaning in words.STANDINGS.values() for text in (name, meaning)}
    for path in (Path(plaza.__file__).parent / "templates").glob("*.html"):
        found |= set(SAID.findall(path.read_text("utf-8")))
    return found - {""}


@pytest.mark.parametrize("language", ["de", "es", "fr", "it", "ja"])
def test_every_sentence_is_translated_with_its_places(language: str) -> None:
    known = speaking.tongues()[language]
    assert sentences() - known.keys() == set()
    for text, said in known.items():
        assert said.strip()
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", said)), text


def test_why_it_is_hidden_help_and_notices_are_read_in_ones_language(
    double: Double, plaza: Running
) -> None:
    hanna = Visitor(plaza.url).be("g-hanna")
    page = hanna.send("/posts", text="grimzorble")
    assert "Es verstößt gegen eine Regel" in page
    assert "Die Mitteilung lesen und widersprechen" in page
    double.notices["dec_9"] = {"title": "Dein Konto", "help": ["child"], "text": "Warum.",
                               "appeal_url": "http://haven.example/appeal/t"}  # fmt: skip
    plaza.deliver(plaza.act("notify", "dec_9", account="g-hanna"))
    until(lambda: len(double.outcomes) == 1)
    page = hanna.get("/notices")
    assert '<html lang="de">' in page
    assert 'href="http://haven.example/appeal/t?lang=de"' in page
    page = hanna.send("/posts", text="I want to disappear forever")
    assert "Wir denken an dich" in page
    at = r"/help\?topic=suicide[^\"]*&amp;country=DE&amp;age_band=13-15&amp;lang=de"
    assert re.search(at, page)
    assert "もう一度" not in hanna.get("/help")
    assert "死にたいと考えているとき" in Visitor(plaza.url).be("g-yuki").get("/help")


def test_openhaven_is_told_the_language_so_that_its_notices_are_in_it(
    double: Double, plaza: Running
) -> None:
    Visitor(plaza.url).be("g-yuki").send("/posts", text="Good morning")
    told = [one for one in double.events.values() if one["account"]["id"] == "g-yuki"]
    assert {one["account"]["language"] for one in told} == {"ja"}
