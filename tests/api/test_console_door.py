"""What staff may send: odd ids and forms are refused plainly, and nothing is recorded."""

from urllib.parse import quote

import pytest
from api_scene import REVIEW, Town, body, name, saying
from pictures import encoded, picture

FORM = {"content-type": "application/x-www-form-urlencoded"}
ODD = ["<script>", "😀", "x" * 300, "a/b", "..", "'; --", "med_none", "a b", "\u202e", "%", "\x01"]


def csrf(town: Town, who: str) -> str:
    page = town.place.ask("GET", "/console", headers=town.cookie(who)).body.decode()
    return page.partition('name="csrf" value="')[2].partition('"')[0]


def send(town: Town, who: str, path: str, **form: str) -> int:
    fields = {"csrf": csrf(town, who)} | form
    raw = "&".join(f"{key}={quote(value, safe='')}" for key, value in fields.items())
    return town.place.ask("POST", path, raw.encode(), town.cookie(who) | FORM).status


def test_only_media_that_exists_is_revealed(town: Town) -> None:
    media = town.media(encoded(picture(), "PNG")).json["id"]
    sent = saying(REVIEW)
    sent["item"]["media"] = [{"id": media}]
    task = town.judged(sent)["task"]
    entries = town.number("SELECT count(*) FROM reveals")
    for odd in ODD:
        status = send(town, "ana", f"/console/media/{quote(odd, safe='')}/reveal", task=task)
        assert 400 <= status < 500, odd
        assert send(town, "ana", f"/console/media/{media}/reveal", task=odd) == 404
    assert town.number("SELECT count(*) FROM reveals") == entries
    assert send(town, "ana", f"/console/media/{media}/reveal", task=task) == 303
    assert town.number("SELECT count(*) FROM reveals") == entries + 1
    shown = town.place.ask("GET", f"/console/media/{media}/clear", headers=town.cookie("ana"))
    assert shown.headers["content-type"] == "image/jpeg"
    other = town.place.ask("GET", f"/console/media/{media}/clear", headers=town.cookie("ben"))
    assert other.status == 403, "each asks for themselves"


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_ids_in_the_console(town: Town, odd: str) -> None:
    town.person("root", "administrator")
    at = quote(odd, safe="")
    for path in (f"/console/tasks/{at}", f"/console/decisions/{at}", f"/console/media/{at}/clear"):
        reply = town.place.ask("GET", path, headers=town.cookie("ana") | {"accept": "text/html"})
        assert 400 <= reply.status < 500, path
        assert b"<script>" not in reply.body
    for path in (f"/console/tasks/{at}/claim", f"/console/tasks/{at}/judge"):
        assert 400 <= send(town, "ana", path, outcome=odd, facts=odd) < 500, path
    for path in (f"/console/acts/{at}/replay", f"/console/notices/{at}/replay"):
        assert 400 <= send(town, "root", path) < 500, path
    assert town.place.ask("GET", f"/console/media/{at}", headers=town.cookie("ana")).status in (
        200,
        404,
    )


def test_judgements_that_are_none(town: Town) -> None:
    task = town.judged(saying(REVIEW))["task"]
    pack = town.haven.packs.current
    assert send(town, "ana", f"/console/tasks/{task}/claim") == 303
    good = {
        "outcome": "restrict",
        "clause": next(iter(pack.clauses)),
        "pack": pack.fingerprint,
        "facts": "Seen.",
        "days": "3",
    }
    wrong = [
        {"outcome": ""},
        {"outcome": "burn"},
        {"outcome": "upheld"},
        {"clause": "none"},
        {"clause": ""},
        {"pack": "f00d"},
        {"facts": ""},
        {"facts": "  "},
        {"facts": "x" * 5_001},
        {"days": "0"},
        {"days": "3651"},
        {"days": "٣"},
        {"days": "1e3"},
        {"days": "9" * 5_000},
        {"days": "-1"},
        {"pack": "<b>", "clause": "<script>"},
        {"csrf": "forged"},
        {"csrf": ""},
        {"facts": "\u202e" * 6_000},
    ]
    for change in wrong:
        status = send(town, "ana", f"/console/tasks/{task}/judge", **good | change)
        assert 400 <= status < 500, change
    assert send(town, "ben", f"/console/tasks/{task}/judge", **good) == 409
    assert town.rows("SELECT 1 AS one FROM judgements WHERE task = %(t)s", t=task) == []
    assert send(town, "ana", f"/console/tasks/{task}/judge", **good) == 303


def test_what_the_description_promises_is_there(town: Town) -> None:
    paths = town.place.ask("GET", "/openapi.json").json["paths"]
    promised = {
        "/v1/events": "post",
        "/v1/events/{id}": "get",
        "/v1/media": "post",
        "/v1/reports": "post",
        "/v1/reports/{receipt}": "get",
        "/v1/decisions/{id}": "get",
        "/v1/decisions/{id}/statement": "get",
        "/v1/acts/{id}/outcome": "post",
        "/report": "get",
        "/appeal/{token}": "get",
        "/transparency": "get",
        "/ledger/checkpoint": "get",
    }
    for path, method in promised.items():
        assert method in paths[path], path
    assert any(path.startswith("/ledger/tile/") for path in paths)
    event = body(id=name("e"))
    assert town.send(event).status == 202
