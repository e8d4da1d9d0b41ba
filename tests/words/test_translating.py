"""Saying a sentence: in the language that there is, with its places filled, and never failing."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pseudo_words import framed, template, write_language

from openhaven.core import Problem
from openhaven.core import words as w
from openhaven.core.catalogues import SHIPPED, Catalogues
from openhaven.core.translating import fill

AT = datetime(2026, 3, 5, 14, 5, tzinfo=UTC)
POLISH = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 "
"&& (n%100<10 || n%100>=20) ? 1 : 2);\\n"

msgid "{count} day"
msgid_plural "{count} days"
msgstr[0] "{count} dzień"
msgstr[1] "{count} dni (2-4)"
msgstr[2] "{count} dni"

#, fuzzy
msgid "Look"
msgstr "Zgadnij"
"""


@pytest.fixture
def own(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Return an operator's folder; afterwards the process speaks as before."""
    yield tmp_path
    w.speak()


def write(folder: Path, language: str, text: str) -> None:
    path = folder / language / "openhaven.po"
    path.parent.mkdir()
    path.write_text(text, "utf-8")


def test_a_sentence_is_said_in_the_language_that_there_is() -> None:
    assert w.translate("de", "Report something") == "Etwas melden"
    assert w.translate("de-AT", "Report something") == "Etwas melden"
    assert w.translate("DE_at", "Report something") == "Etwas melden"
    assert w.translate("tlh", "Report something") == "Report something"
    assert w.translate("", "Report something") == "Report something"


def test_places_are_filled_and_what_fills_them_is_not_looked_into() -> None:
    said = w.translate("fr", "We removed {it}.", it="{it} {0} {secret.__class__}")
    assert said == "Nous avons retiré {it} {0} {secret.__class__}."
    assert w.translate("fr", "We removed {it}.") == "Nous avons retiré {it}."
    assert fill("{a.b} {a!r} {a[0]} {a}", {"a": 1}) == "{a.b} {a!r} {a[0]} 1"


@given(st.text(max_size=20), st.text(max_size=60), st.dictionaries(st.text(max_size=5), st.text()))
def test_nothing_makes_it_fail(language: str, text: str, values: dict[str, str]) -> None:
    values = {name: one for name, one in values.items() if name.isidentifier()}
    said = w.translate(language, text, **values)
    assert isinstance(said, str)
    assert w.best([language]) in w.languages()
    assert w.translate_known(language, text) or not text


@given(st.sampled_from([one.id for one in template() if isinstance(one.id, str) and one.id]))
def test_every_sentence_there_is_can_be_said_in_every_language(text: str) -> None:
    for language in ("de", "en", "es", "fr", "it", "ja"):
        assert "⟦" not in w.translate(language, text)


def test_what_is_missing_is_seen_in_tests_and_english_in_production() -> None:
    text = "A sentence that nobody has translated."
    assert w.translate("fr", text) == f"⟦{text}⟧"
    assert w.translate("en", text) == text
    assert w.translate_known("fr", text) == text
    assert Catalogues([SHIPPED]).of("fr").gettext(text) == text


def test_a_language_is_added_as_a_file(own: Path) -> None:
    w.speak(write_language(own, "eo", framed))
    assert "eo" in w.languages()
    assert w.translate("eo", "Report something") == "«Report something»"
    assert w.translate("eo-XX", "We removed {it}.", it="x") == "«We removed x.»"
    assert w.translate("de", "Report something") == "Etwas melden"


def test_words_of_an_operator_s_own_win_and_the_rest_stays(own: Path) -> None:
    write(own, "de", 'msgid "Look"\nmsgstr "Schau"\n')
    write(own, "en", 'msgid "Look"\nmsgstr "Have a look"\n')
    w.speak(own)
    assert (w.translate("de", "Look"), w.translate("en", "Look")) == ("Schau", "Have a look")
    assert w.translate("de", "Report something") == "Etwas melden"
    assert w.translate("en", "Report something") == "Report something"


def test_numbers_follow_the_rule_of_the_language(own: Path) -> None:
    write(own, "pl", POLISH)
    w.speak(own)
    said = [w.translate_count("pl", "{count} day", "{count} days", n) for n in (1, 3, 5, 22)]
    assert said == ["1 dzień", "3 dni (2-4)", "5 dni", "22 dni (2-4)"]
    assert w.translate_count("en", "{count} day", "{count} days", 1) == "1 day"
    assert w.translate_count("en", "{count} day", "{count} days", 1200) == "1,200 days"
    # What a translator marked as doubtful is not said.
    assert w.translate("pl", "Look") == "⟦Look⟧"


@pytest.mark.parametrize(
    ("language", "text"),
    [("de", 'msgid "Look\n'), ("de", "no catalogue at all"), ("nonsense-language", POLISH)],
)
def test_a_broken_file_stops_the_start(own: Path, language: str, text: str) -> None:
    write(own, language, text)
    with pytest.raises(Problem) as caught:
        w.speak(own)
    assert language in f"{caught.value.title} {caught.value.detail}"
    assert caught.value.next_step


def test_days_moments_numbers_and_spans() -> None:
    assert w.day_in("en", date(2026, 3, 5)) == "5 March 2026"
    assert w.day_in("de", date(2026, 3, 5)) == "5. März 2026"
    assert w.day_in("ja", date(2026, 3, 5)) == "2026年3月5日"
    assert w.moment_in("en", AT) == "5 March 2026, 14:05 UTC"
    assert w.moment_in("fr", AT) == "5 mars 2026, 14:05 UTC"
    assert w.number_in("de", 12_345) == "12.345"
    assert [w.hours_in("en", span) for span in (0.0, 0.3, 1, 5.26, 50)] == [
        "1 second", "18 minutes", "1 hour", "5.3 hours", "2.1 days"]  # fmt: skip
    assert [w.hours_in("ja", span) for span in (0.3, 1, 50)] == ["18 分", "1 時間", "2.1 日"]


def test_directions_and_names() -> None:
    assert (w.direction("en"), w.direction("ja"), w.direction("nothing")) == ("ltr",) * 3
    assert [w.own_name(one) for one in ("de", "fr", "ja")] == ["Deutsch", "Français", "日本語"]


def test_a_problem_is_said_whole() -> None:
    problem = Problem(
        "x", "That was sent too often.", status=429, next_step="Try again in {seconds} seconds.",
        values={"seconds": 30},
    )  # fmt: skip
    assert problem.next_step == "Try again in 30 seconds."
    assert w.translate_problem("de", problem) == (
        "Das wurde zu oft geschickt.",
        "",
        "Versuchen Sie es in 30 Sekunden noch einmal.",
    )
    # What is only for staff stays as it is.
    assert w.translate_problem("de", Problem("x", "For staff.", "{odd}")) == (
        "For staff.", "{odd}", "")  # fmt: skip
