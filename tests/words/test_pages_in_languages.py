"""Pages and notices in the language of who reads them, and nothing on them that cannot be."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages_scene import Scene, lively
from pseudo_words import framed, write_language
from web_scene import Place, serving

from openhaven import decisions, policy
from openhaven.core.words import speak
from openhaven.decisions import views, words
from openhaven.web.call import accepted
from openhaven.web.speaking import keep_language, location_with_language

PAGE = {"accept": "text/html"}
PUBLIC = ("/", "/report", "/report?platform=plaza&item=post-1", "/report/receipt", "/removal",
          "/watch", "/threat", "/request", "/help", "/transparency", "/transparency/verify",
          "/transparency/receipts", "/nowhere", "/report/no-such-code")  # fmt: skip
# Names, and what stands for itself; everything else is a sentence for people.
NAMES = re.compile(
    r"Testplace|Openhaven|Take It Down|Report Remove|Childline|StopNCII|JSON|CSV|NCMEC|plaza"
    r"|starter \S+|UTC|https?://\S+|\S+@\S+|post-\d+|(/\w+)+"
    # Days and spans come from Unicode's data, not from the catalogue.
    r"|\d+-\w+-\d+|[\d.,]+ (sekundo|minuto|horo|tago)j?"
)
# Names of services and what people wrote themselves say so; countries come from Unicode's data.
_OWN = re.compile(r'<(bdi|\w+(?= [^>]*\bdir="auto"))[^>]*>(.*?)</\1>', re.S)
_COUNTRY = re.compile(r'<option value="[A-Z]{2}".*?</option>')
_SILENT = re.compile(r"<(script|style|code|pre|kbd|time|noscript)\b.*?</\1>", re.S)
_SPOKEN = re.compile(r'\b(?:aria-label|alt|title|placeholder)="([^"]*)"')


@pytest.fixture(scope="module")
def scene(module_haven) -> Scene:  # type: ignore[no-untyped-def]
    return lively(module_haven)


@pytest.fixture(scope="module")
def place(scene: Scene) -> Iterator[Place]:
    with serving(scene.haven, ()) as running:
        yield running


@pytest.fixture
def esperanto(scene: Scene, tmp_path: Path) -> Iterator[None]:
    """Add a language as a file: every sentence between marks."""
    speak(write_language(tmp_path, "eo", framed))
    yield
    speak()


def page(place: Place, path: str, **headers: str) -> str:
    return place.ask("GET", path, headers={**PAGE, **headers}).body.decode()


def unspoken(text: str) -> list[str]:
    """Return what a page says outside of the marks of the made-up language."""
    body = re.sub(r'<nav class="tongues".*?</nav>', "", text, flags=re.S)
    body = _SILENT.sub(" ", _COUNTRY.sub("", re.sub(r"<!--.*?-->", "", body, flags=re.S)))
    for own in {one[1] for one in _OWN.findall(body) if one[1].strip()}:
        body = body.replace(own, "")
    parts = [re.sub(r"<[^>]+>", " ", body), *_SPOKEN.findall(body)]
    left = []
    for part in map(html.unescape, parts):
        while (less := re.sub(r"«[^«»]*»", " ", part)) != part:
            part = less
        left += re.findall(r"[^\W\d_]{2,}", NAMES.sub(" ", part))
    return left


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.usefixtures("esperanto")
def test_a_page_says_nothing_that_cannot_be_translated(place: Place, path: str) -> None:
    text = page(place, f"{path}{'&' if '?' in path else '?'}lang=eo")
    assert '<html lang="eo" dir="ltr">' in text
    assert unspoken(text) == []


@pytest.mark.usefixtures("esperanto")
def test_what_is_shown_after_a_report_can_be_translated(place: Place) -> None:
    form = urlencode({"platform": "plaza", "item": "post-1", "category": "bullying"}).encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    reply = place.ask("POST", "/report?lang=eo", form, {**PAGE, **kind})
    assert reply.status == 201
    text = reply.body.decode()
    receipt = re.search(r'class="receipt">([^<]+)<', text)
    assert receipt
    assert unspoken(text.replace(receipt[1], "")) == []
    assert unspoken(page(place, f"/report/{receipt[1]}?lang=eo")) == []
    # Whatever is wrong with a form is said as well.
    for wrong in ({}, {"item": "post-1"}, {"item": "x", "category": "spam", "contact": "no"}):
        reply = place.ask("POST", "/report?lang=eo", urlencode(wrong).encode(), {**PAGE, **kind})
        assert reply.status == 400
        assert unspoken(re.sub(r'value="[^"]*"', "", reply.body.decode())) == []


@pytest.mark.usefixtures("esperanto")
def test_what_a_person_decided_about_reads_can_be_translated(scene: Scene, place: Place) -> None:
    with scene.haven.db.read() as tx:
        made = tx.value("SELECT decision FROM appeals LIMIT 1")
    for decision in (made, scene.decision_of("post-13")):
        text = page(place, f"/appeal/{scene.token(decision)}?lang=eo")
        assert unspoken(text) == []


@pytest.mark.parametrize(
    ("path", "headers", "language"),
    [
        ("/report", {}, "en"),
        ("/report", {"accept-language": "de-CH, fr;q=0.8"}, "de"),
        ("/report", {"accept-language": "tlh, fr;q=0.8, de;q=0.9"}, "de"),
        ("/report", {"accept-language": "de;q=0, it"}, "it"),
        ("/report", {"accept-language": "*"}, "en"),
        ("/report?lang=ja", {"accept-language": "de"}, "ja"),
        ("/report?lang=tlh", {"accept-language": "de"}, "de"),
        ("/nowhere?lang=es", {}, "es"),
    ],
)
def test_the_language_of_a_page(place: Place, path: str, headers: dict, language: str) -> None:
    reply = place.ask("GET", path, headers={**PAGE, **headers})
    assert f'<html lang="{language}" dir="ltr">' in reply.body.decode()
    assert reply.headers["content-language"] == language


def test_links_and_forms_keep_the_language_that_was_asked_for(place: Place) -> None:
    text = page(place, "/report?item=post-1&lang=fr")
    inner = [one for one in re.findall(r'(?:href|action)="(/[^"]*)"', text)
             if not one.startswith(("/static/", "/console"))]  # fmt: skip
    languages = {link for link in inner if "hreflang" in text and "item=post-1" in link}
    assert inner
    assert all("lang=" in link for link in inner)
    # The other languages of the same page keep what was filled in.
    assert {f"/report?item=post-1&amp;lang={one}" for one in ("de", "en", "ja")} <= languages
    # Without it nothing is added, so that an address stays short.
    assert "lang=fr" not in page(place, "/report", **{"accept-language": "fr"}).replace(
        "?lang=fr\" hreflang", "")  # fmt: skip
    asking = page(place, "/report/receipt?lang=fr")
    assert '<input type="hidden" name="lang" value="fr">' in asking
    reply = place.ask("GET", "/report/receipt?code=1a2b-3c4d&lang=fr", headers=PAGE)
    assert (reply.status, reply.headers["location"]) == (303, "/report/1a2b-3c4d?lang=fr")


@given(st.text(max_size=200))
def test_what_a_person_wrote_is_not_touched(written: str) -> None:
    shown = f'<p title="{html.escape(written)}">{html.escape(written)}</p>'.encode()
    assert keep_language(shown, "fr") == shown


def test_only_links_of_ours_carry_it() -> None:
    for url in ("https://example.org/", "//example.org/", "/console/tasks/1", "mailto:a@b.c"):
        assert location_with_language(url, "fr") == url
        assert keep_language(f'<a href="{url}">'.encode(), "fr") == f'<a href="{url}">'.encode()
    assert location_with_language("/a?b=1#c", "fr") == "/a?b=1&lang=fr#c"
    assert keep_language(b'<a class="x" href="/a#c">', "fr") == (
        b'<a class="x" href="/a?lang=fr#c">')  # fmt: skip


@given(st.text(max_size=300))
def test_any_header_of_a_browser_is_read(header: str) -> None:
    assert all(one.strip() == one and one for one in accepted(header))


def test_the_console_is_in_english(scene: Scene, place: Place) -> None:
    reply = place.ask("POST", scene.link("Ben"), b"", {**PAGE, "content-type":
                      "application/x-www-form-urlencoded"})  # fmt: skip
    cookie = reply.headers["set-cookie"].partition(";")[0]
    text = page(place, "/console?lang=de", cookie=cookie, **{"accept-language": "de"})
    assert '<html lang="en" dir="ltr">' in text
    assert "Queue" in text


# Notices --------------------------------------------------------------------------------------


def told(scene: Scene, item: str):  # type: ignore[no-untyped-def]
    with scene.haven.db.read() as tx:
        return views.notices_of(tx, scene.decision_of(item))


def test_a_notice_is_in_the_language_that_the_platform_told(scene: Scene, place: Place) -> None:
    item = scene.post("zorgblat", account="frieda", age_band="13-15", language_of="de-AT")
    notice = told(scene, item)[0].notice
    assert notice
    assert notice.language == "de"
    assert notice.title == "Testplace: Etwas, das Sie gepostet haben, wurde entfernt"
    assert "Es geht um eine einzelne Sache" in notice.text
    assert "⟦" not in notice.text
    assert "You " not in notice.text
    link = re.search(r"Hier Einspruch einlegen: \S+?(/appeal/\S+)", notice.text)
    assert link
    assert "<h1>Eine Entscheidung über Sie</h1>" in page(place, link[1])
    # Said once, it holds for what comes later and does not say it.
    again = told(scene, scene.post("zorgblat", account="frieda"))[0].notice
    assert again
    assert again.language == "de"


def test_a_language_that_is_not_there_is_answered_in_english(scene: Scene) -> None:
    notice = told(scene, scene.post("zorgblat", account="kahless", language_of="tlh"))[0].notice
    assert notice
    assert (notice.language, notice.title) == ("en", "Testplace: Something you posted was removed")


def test_every_notice_there_is_can_be_said_in_every_language(scene: Scene) -> None:
    with scene.haven.db.read() as tx:
        made = decisions.decision(tx, scene.decision_of("post-13"))
    for language in ("de", "es", "fr", "it", "ja"):
        to = words.reader(language, {}, young=True)
        every = [
            words.notice("S", msgspec.structs.replace(made, outcome=outcome, until=until,
                         scope=scope, automated_decision=how, ground=ground),
                         "https://x/appeal/y", to, irreversible=True)
            for outcome in ("allow", "warn", "restrict", "remove", "block", "suspend")
            for until in (None, made.decided_at)
            for scope in (["*"], ["FR", "BE"])
            for how in ("fully", "partially", "not")
            for ground in ("law", "terms")
        ]  # fmt: skip
        held = msgspec.structs.replace(made, decided_by="held:x")
        every += [words.notice("S", held, "https://x", to, irreversible=False),
                  words.appeal_outcome("S", made, "", to, upheld=True),
                  words.appeal_outcome("S", made, "", to, upheld=False),
                  words.taken_back("S", made, "", to), words.reporter_outcome("S", made, to),
                  words.reporter_outcome("S", msgspec.structs.replace(made, outcome="allow"), to),
                  ]  # fmt: skip
        for notice in every:
            assert "⟦" not in notice.title + notice.text
            assert not re.search(r"\b(the|your|was|decision)\b", notice.title), notice.title
            assert notice.language == language


def test_a_clause_is_said_as_the_pack_translates_it(scene: Scene) -> None:
    with scene.haven.db.read() as tx:
        made = decisions.decision(tx, scene.decision_of("post-13"))
    said = policy.model.Translation("Nur zum Ausprobieren", "Ein Satz auf Deutsch.", "die Regeln")
    clause = policy.Clause(made.clause, made.clause_title, made.clause_text, made.ground,
                           made.ground_reference, {"de": said})  # fmt: skip
    now = {made.clause: clause}
    for language, expected in (("de", said.text), ("fr", made.clause_text)):
        text = words.notice("S", made, "u", words.reader(language, now), irreversible=False).text
        assert expected in text
    # A clause that reads otherwise by now is not what was decided by.
    other = {made.clause: msgspec.structs.replace(clause, text="Changed since.")}
    text = words.notice("S", made, "u", words.reader("de", other), irreversible=False).text
    assert made.clause_text in text
