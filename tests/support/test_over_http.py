"""`GET /v1/support`, the page of help and the console's list, through a real socket."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

import pytest
from pages_visitor import Visitor
from support_scene import ME, days_ago, put, service
from web_scene import Place, serving

from openhaven import staff, support
from openhaven.core import Actor
from openhaven.support import TOPICS

if TYPE_CHECKING:
    from openhaven.line import Haven

FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
HTML = {"accept": "text/html"}


@pytest.fixture
def place(haven: "Haven") -> Iterator[Place]:
    put(haven, service("gb-line", topics=("suicide",), text="12345", hours="24/7", cost="free",
                       languages=("en",), web="https://example.org/a"))  # fmt: skip
    with serving(haven, ()) as running:
        yield running


def ask(place: Place, query: str = "") -> dict:
    reply = place.ask("GET", f"/v1/support{query}")
    assert reply.status == 200, reply.body
    return reply.json


def names(told: dict) -> list[str]:
    return [one["id"] for one in told["services"]]


# The API --------------------------------------------------------------------------------------


def test_anybody_may_ask_who_helps(place: Place) -> None:
    reply = place.ask("GET", "/v1/support?country=GB&topic=suicide&age_band=13-15&language=en")
    assert reply.headers["cache-control"] == "public, max-age=300"
    assert "set-cookie" not in reply.headers
    told = reply.json
    first = told["services"][0]
    assert (first["id"], first["call"], first["text"]) == ("gb-line", "0000 1111", "12345")
    assert first["verified_on"]
    assert "verified_by" not in first
    assert told["emergency"] == ["999"]
    assert told["topics"] == ["suicide"]
    assert told["page"].endswith("/help")
    assert names(told)[-2:] == ["find-a-helpline", "child-helpline-international"]


def test_without_a_country_there_is_no_number_of_some_country(place: Place) -> None:
    told = ask(place)
    assert not [one for one in told["services"] if one["call"] or one["text"]]
    assert told["emergency"] == []


def test_the_operators_country_counts_where_none_is_given(place: Place, haven: "Haven") -> None:
    haven.support.country = "GB"
    assert names(ask(place))[0] == "gb-line"
    assert "gb-line" not in names(ask(place, "?country=FR"))


@pytest.mark.parametrize(
    "query",
    ["?country=gb", "?country=XX", "?topic=astrology", "?topic=all", "?age_band=14",
     "?language=e%0An", "?topic=" + ",".join(list(TOPICS)[:11])],
)  # fmt: skip
def test_what_is_not_known_is_refused_with_what_is(place: Place, query: str) -> None:
    reply = place.ask("GET", f"/v1/support{query}")
    assert reply.status == 400
    assert reply.json["code"] == "support.asked"


def test_several_topics_are_asked_at_once(place: Place) -> None:
    assert ask(place, "?topic=child,suicide&topic=hate")["topics"] == ["child", "suicide", "hate"]


def test_a_stale_number_is_gone_at_once(place: Place, haven: "Haven") -> None:
    put(haven, service("gb-line", topics=("suicide",), verified_on=days_ago(181)))
    assert "gb-line" not in names(ask(place, "?country=GB"))


def test_help_is_there_while_the_database_is_not(place: Place, haven: "Haven") -> None:
    assert "gb-line" in names(ask(place, "?country=GB"))
    haven.db.close()
    haven.support.forget()
    assert "gb-line" in names(ask(place, "?country=GB"))


def test_somebody_who_asks_too_often_has_to_wait(place: Place) -> None:
    statuses = {place.ask("GET", "/v1/support").status for _ in range(260)}
    assert statuses == {200, 429}


# Search ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "topic"),
    [("i+want+to+die", "suicide"), ("I%20WANT%20TO%20DIE!!", "suicide"), ("self-harm", "self-harm"),
     ("%E6%AD%BB%E3%81%AB%E3%81%9F%E3%81%84", "suicide"), ("quiero%20morir", "suicide"),
     ("selbstverletzung", "self-harm"), ("d%27anorexie", "eating-disorder"),
     ("je%20me%20fais%20harceler", "bullying"), ("foto+intime+diffuse", "intimate-images"),
     ("SEXTORTION%20help", "sextortion"), ("being\u200b groomed", "child-abuse")],
)  # fmt: skip
def test_a_search_that_is_a_cry_for_help_is_heard(place: Place, query: str, topic: str) -> None:
    reply = place.post_json("/v1/support", {"query": unquote_plus(query), "country": "GB"})
    assert topic in reply.json["topics"]
    assert reply.json["services"]
    # Such a question stays in no cache.
    assert reply.headers["cache-control"] == "no-store"


def test_a_search_stands_in_no_address(place: Place) -> None:
    reply = place.ask("GET", "/v1/support?query=zorgblat")
    assert (reply.status, reply.json["code"]) == (400, "support.query")
    for body in ({"query": "x" * 301}, {"topics": ["astrology"]}, {"quer": ""}, {"country": "gb"}):
        assert place.post_json("/v1/support", body).status == 400, body
    told = place.post_json("/v1/support", {"topics": ["suicide"], "country": "GB"}).json
    assert names(told)[0] == "gb-line"


@pytest.mark.parametrize(
    "query",
    ["", "cats", "suicide+squad", "die+hard", "die+katze", "killer+sudoku", "how+to+die+cast",
     "bullyinger", "a+movie+to+die+for", "%F0%9F%98%80", "+++", "cutting+boards"],
)  # fmt: skip
def test_an_ordinary_search_gets_nothing(place: Place, query: str) -> None:
    told = place.post_json("/v1/support", {"query": unquote_plus(query)}).json
    assert told == {"topics": [], "services": [], "emergency": [], "page": told["page"]}


def test_the_asker_is_in_no_log(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    for country in ("GB", "XX"):
        place.post_json("/v1/support", {"query": "zorgblat", "country": country})
    place.ask("GET", "/help?topic=suicide&country=GB", headers=HTML)
    place.ask("POST", "/help", b"topic=suicide&country=GB", FORM)
    said = capsys.readouterr()
    logged = said.out + said.err
    assert "/v1/support" in logged
    assert not re.search(r"zorgblat|suicide|127\.0\.0\.1|GB|XX", logged)


# The page -------------------------------------------------------------------------------------


def text_of(body: bytes) -> str:
    return re.sub(r"\s+", " ", body.decode())


def test_the_page_helps_without_being_asked_anything(place: Place) -> None:
    reply = place.ask("GET", "/help", headers=HTML)
    page = text_of(reply.body)
    assert reply.status == 200
    assert "https://findahelpline.com/" in page
    assert "In danger now?" in page
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["referrer-policy"] == "same-origin"
    assert "set-cookie" not in reply.headers


def test_the_title_says_nothing_of_why_somebody_is_here(place: Place) -> None:
    page = text_of(place.ask("GET", "/help?topic=suicide", headers=HTML).body)
    title = re.search("<title>(.*?)</title>", page)
    assert title
    assert title[1] == "Information – Testplace"


def test_a_choice_shows_who_helps_and_what_to_do_first(place: Place) -> None:
    body = b"country=GB&topic=suicide&age_band=13-15"
    page = text_of(place.ask("POST", "/help", body, FORM).body)
    assert 'href="tel:00001111"' in page
    assert 'href="sms:12345"' in page
    assert "You do not have to get through this alone." in page
    assert 'Call <bdi dir="ltr">999</bdi>' in page
    assert '<option value="GB" selected>' in page


@pytest.mark.parametrize(
    "query", ["country=XX&topic=nonsense&age_band=-1", "topic=%3Cscript%3E", "country=<b>"]
)
def test_nobody_in_pain_is_shown_an_error(place: Place, query: str) -> None:
    for reply in (
        place.ask("GET", f"/help?{query}", headers=HTML),
        place.ask("POST", "/help", query.encode(), FORM),
    ):
        assert reply.status == 200
        assert b"<script>" not in reply.body
        assert b"findahelpline.com" in reply.body


def test_links_out_tell_nobody_where_they_come_from(place: Place) -> None:
    page = text_of(place.ask("GET", "/help?country=GB", headers=HTML).body)
    outside = re.findall(r'<a[^>]*href="https://[^>]*>', page)
    assert len(outside) >= 4
    assert all('rel="noreferrer' in one for one in outside)


def test_a_form_of_a_stranger_is_refused(place: Place) -> None:
    headers = FORM | {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert place.ask("POST", "/help", b"country=GB", headers).status == 403


# The console ----------------------------------------------------------------------------------


def sign_in(haven: "Haven", place: Place, role: str) -> Visitor:
    with haven.db.begin(ME) as tx:
        link = staff.sign_in_link(tx, staff.create(tx, f"A {role}", (role,)))
    return Visitor(place).enter(link)


def test_an_administrator_verifies_what_they_saw(place: Place, haven: "Haven") -> None:
    put(haven, service("gb-old", verified_on=days_ago(300)))
    ida = sign_in(haven, place, "administrator")
    page = text_of(ida.get("/console/helplines").body)
    assert "Too old" in page
    assert "gb-old" in page
    assert "1 service was verified too long ago" in page
    console = text_of(ida.get("/console").body)
    assert "1 helpline was verified too long ago" in console
    assert b"openhaven_helplines_stale 1.0" in place.ask("GET", "/metrics").body
    shown = text_of(ida.get("/console/helplines/gb-old").body)
    content = re.search('name="content" value="([0-9a-f]{64})"', shown)
    assert content
    reply = ida.post("/console/helplines/gb-old/verify", content=content[1])
    assert reply.status == 303
    assert "gb-old" in names(ask(place, "?country=GB"))
    with haven.db.read() as tx:
        entry = tx.rows("SELECT actor, ids FROM ledger_entries WHERE kind = 'support.verified' "
                        "AND actor LIKE 'staff:%%'")[0]  # fmt: skip
        stored = support.one_kept(tx, "gb-old")
    assert entry["ids"] == {"service": "gb-old"}
    assert entry["actor"].startswith("staff:")
    assert stored.verified_by == "A administrator"


def test_what_changed_under_their_eyes_is_not_verified(place: Place, haven: "Haven") -> None:
    ida = sign_in(haven, place, "administrator")
    ida.get("/console/helplines/gb-childline")
    reply = ida.post("/console/helplines/gb-childline/verify", content="0" * 64)
    assert reply.status == 409


def test_a_moderator_looks_and_verifies_nothing(place: Place, haven: "Haven") -> None:
    mia = sign_in(haven, place, "moderator")
    assert b"gb-childline" in mia.get("/console/helplines").body
    assert b"I saw today" not in mia.get("/console/helplines/gb-childline").body
    assert mia.post("/console/helplines/gb-childline/verify").status == 403


def test_an_administrator_sends_nobody_there_any_more(place: Place, haven: "Haven") -> None:
    ida = sign_in(haven, place, "administrator")
    ida.get("/console/helplines/gb-line")
    assert ida.post("/console/helplines/gb-line/withdraw").status == 303
    assert "gb-line" not in names(ask(place, "?country=GB"))


def test_actors_of_commands_are_named(haven: "Haven") -> None:
    with haven.db.begin(Actor("system", "command")) as tx:
        support.verify(tx, "gb-childline", "Ann Example")
        assert support.one_kept(tx, "gb-childline").verified_by == "Ann Example"
