"""The public pages of survivors over HTTP, without a script."""

import re
from collections.abc import Iterator

import pytest
from pages_visitor import Visitor, words
from survivors_scene import Town, a_hash
from web_scene import Place, Reply, serving

CODE = re.compile(r"[0-9a-f]{4}(-[0-9a-f]{4}){4}")


@pytest.fixture
def place(town: Town) -> Iterator[Place]:
    with serving(town.haven, ()) as running:
        yield running


@pytest.fixture
def anna(place: Place) -> Visitor:
    return Visitor(place)


def code_of(reply: Reply) -> str:
    assert reply.status == 201, words(reply)
    found = CODE.search(words(reply))
    assert found
    return found[0]


def test_a_removal_from_the_form_to_the_end(town: Town, anna: Visitor) -> None:
    item = town.posted()
    assert "within 48 hours" in anna.text("/removal")
    fields = {"items": f"https://here.example/p/{item}\n{item}\n", "shows": "yes", "consent": "yes"}
    code = code_of(anna.post("/removal", platform="here", **fields))
    town.tend()
    (task,) = town.tasks()
    assert (task["item"], task["reports"]) == (item, 1)
    told = anna.text(f"/request/{code}")
    assert "It has to be done by" in told
    assert "A person looks at it" in told
    town.judge(town.person(), task["id"], "remove")
    town.work()
    assert "We decided to take it down" in anna.text(f"/request/{code}")
    assert words(anna.post("/request", code=f" {code.upper()} ")) == anna.text(f"/request/{code}")


def test_what_is_missing_is_said_and_nothing_typed_is_lost(anna: Visitor) -> None:
    reply = anna.post("/removal", platform="here", items="a\nb", text="mild words")
    assert reply.status == 400
    assert "Please tick that it shows you" in words(reply)
    assert b"mild words" in reply.body
    assert b"a\nb" in reply.body
    reply = anna.post("/removal", platform="here", items="a", shows="y", consent="y",
                      contact_by="email", contact="nobody")  # fmt: skip
    assert (reply.status, "This is no e-mail address." in words(reply)) == (400, True)


def test_an_address_that_was_not_meant_for_this_is_not_kept(town: Town, anna: Visitor) -> None:
    anna.post("/removal", platform="here", items="a", shows="y", consent="y", contact_by="link",
              contact="a@example.org")  # fmt: skip
    (row,) = town.rows("SELECT subject, body FROM reports")
    with town.haven.db.read() as tx:
        assert b"example.org" not in (tx.keys.open(row["subject"], row["body"]) or b"")


def test_who_wants_no_link_is_shown_none(anna: Visitor) -> None:
    reply = anna.post("/removal", platform="here", items="a", shows="y", consent="y",
                      contact_by="none")  # fmt: skip
    assert reply.status == 201
    assert not CODE.search(words(reply))


def test_taking_back_works_from_the_page(town: Town, anna: Visitor) -> None:
    fields = {"items": "a", "shows": "yes", "consent": "yes"}
    code = code_of(anna.post("/removal", platform="here", **fields))
    reply = anna.post(f"/request/{code}/withdraw")
    assert (reply.status, reply.headers["location"]) == (303, f"/request/{code}")
    assert "You took this back." in anna.text(f"/request/{code}")
    assert town.said("survivor.withdrawn") == 1


def test_a_watch_by_form(town: Town, anna: Visitor) -> None:
    fields = {"platform": "here", "quality": "90", "mine": "yes", "days": "90"}
    code = code_of(anna.post("/watch", pdq=a_hash().hex(), **fields))
    assert "Nothing so far." in anna.text(f"/request/{code}")
    for pdq, quality in (("00" * 32, "0"), (a_hash().hex(), "49"), ("ff" * 32, "100"),
                         ("0f" * 31 + "zz", "90"), ("", ""), ("00" * 31 + "01", "100"),
                         ("9" * 5_000, "90"), (a_hash().hex(), "-1")):  # fmt: skip
        reply = anna.post("/watch", **(fields | {"pdq": pdq, "quality": quality}))
        assert reply.status == 400, pdq
    assert len(town.rows("SELECT 1 FROM bank_entries")) == 1


def test_the_page_of_the_watch_may_send_nothing_by_script(anna: Visitor) -> None:
    reply = anna.place.pool.request("GET", anna.place.url + "/watch")
    policies = reply.headers.getlist("content-security-policy")
    # Where there are several, all of them hold.
    assert any("connect-src 'none'" in one for one in policies)
    assert any("script-src 'self'" in one for one in policies)
    assert "This page needs JavaScript" in anna.text("/watch")


def test_threats_get_help_at_once_and_nobody_is_frozen_by_a_stranger(
    town: Town, anna: Visitor
) -> None:
    told = anna.text("/threat")
    assert told.index("Do not pay") < told.index("Tell us, if you like")
    reply = anna.post("/threat", platform="here", account="wolf", danger="yes", text="They ask.")
    code = code_of(reply)
    assert "Please call for help as well." in words(reply)
    town.tend()
    (task,) = town.tasks()
    assert (task["queue"], task["urgency"], task["account"]) == ("imminent-danger", 2, "wolf")
    assert town.rows("SELECT 1 FROM contact_freezes") == []
    assert "Let them reach me again" not in anna.text(f"/request/{code}")
    assert anna.post("/threat", platform="here").status == 400


def test_titles_and_wrong_codes_tell_nothing(anna: Visitor) -> None:
    for path in ("/removal", "/watch", "/threat", "/request"):
        body = anna.get(path).body.decode()
        assert "<title>Information –" in body
    assert anna.get("/request/aaaa-bbbb-cccc-dddd-eeee").status == 404
    assert anna.post("/request", code="x").status == 404
    assert anna.post("/request/x/withdraw").status == 404
    assert anna.post("/request/x/meet").status == 404


def test_hostile_words_stay_words(anna: Visitor) -> None:
    for text in ('"><script>alert(1)</script>', "{{ 7*7 }}", "javascript:alert(1)"):
        reply = anna.post("/removal", platform="here", items=text, text=text)
        assert reply.status == 400
        assert b"<script>alert" not in reply.body
    fields = {"items": "javascript:alert(1)", "shows": "y", "consent": "y"}
    code = code_of(anna.post("/removal", platform="here", **fields))
    assert b'href="javascript' not in anna.get(f"/request/{code}").body


def test_many_at_once_from_one_address_are_asked_to_wait(anna: Visitor) -> None:
    told = [anna.post("/removal", platform="here", items="a").status for _ in range(25)]
    assert (told[0], told[-1]) == (400, 429)
