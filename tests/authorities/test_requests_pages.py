"""A request from the public door to the sealed answer, on pages; and who may see what of it."""

import dataclasses
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from requests_scene import OPERATOR, Bureau, bureau
from web_scene import Place, Reply, serving

from openhaven import staff
from openhaven.authorities.requests import pages
from openhaven.authorities.requests.keys import open_with
from openhaven.core import Actor, new_id, utcnow
from openhaven.line import Haven

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def scene(house: Haven) -> Iterator[tuple[Bureau, Place]]:
    settings = msgspec.structs.replace(house.settings, operator_contact="office@here.example")
    with serving(dataclasses.replace(house, settings=settings), ()) as place:
        yield bureau(house), place


class Person:
    """Somebody at the console, who signed in a moment ago."""

    def __init__(self, place: Place, at: Bureau, who: Actor) -> None:
        with at.haven.db.begin(OPERATOR) as tx:
            member = next(one for one in staff.members(tx) if one.id == who.id)
            link = staff.sign_in_link(tx, member)
        reply = place.ask("POST", link, b"", FORM)
        self.cookie = {"cookie": reply.headers["set-cookie"].partition(";")[0]}
        self.place = place

    def get(self, path: str, status: int = 200) -> str:
        reply = self.place.ask("GET", path, headers=self.cookie)
        assert reply.status == status, (path, reply.status, reply.body[-2000:])
        return reply.body.decode()

    def post(self, path: str, page: str, status: int = 303, **fields: Any) -> Reply:
        token = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
        assert token
        body = urlencode({"csrf": token[1], **fields}, doseq=True).encode()
        reply = self.place.ask("POST", path, body, FORM | self.cookie)
        assert reply.status == status, (path, reply.status, reply.body[-3000:])
        return reply


_LETTER = {"kind": "warrant", "authority": "Court of Here", "country": "DE",
           "reference": "7 Gs 1/26", "what": "Who wrote this post?", "officer": "A. Judge",
           "email": "office@court.example",
           "phone": "030 1234567", "category.subscriber": "1", "category.content": "1",
           "since": "2026-01-01", "until": "2026-12-31"}  # fmt: skip


def _by_door(place: Place, **changes: str) -> str:
    body = urlencode(_LETTER | changes).encode()
    reply = place.ask("POST", "/authorities", body, FORM)
    assert reply.status == 201, reply.body
    code = re.search(r'class="receipt">([0-9a-f-]+)<', reply.body.decode())
    assert code
    return code[1]


def test_from_the_door_to_the_sealed_answer(scene: tuple[Bureau, Place]) -> None:
    at, place = scene
    code = _by_door(place)
    (row,) = at.rows("SELECT id FROM lawful_requests ORDER BY received_at DESC LIMIT 1")
    here = f"/console/requests/{row['id']}"
    ada, ben = Person(place, at, at.ada), Person(place, at, at.ben)
    assert "Court of Here" in ada.get("/console/requests")
    page = ada.get(here)
    for words in ("Who wrote this post?", "never call this one", "none of those that two people"):
        assert words in page
    refused = ada.post(f"{here}/check", page, 409, kind="call_back", number="+49 30 1234567",
                       origin="register", result="genuine")  # fmt: skip
    assert b"That is the number in the letter." in refused.body
    ada.post(f"{here}/check", page, kind="call_back", number="030 99999", origin="register",
             result="genuine", spoke_with="The registry", note="They know of it.")  # fmt: skip
    ada.post(f"{here}/law", page, 409, holds=["binds"], note="x")
    holds = ["binds", "competent", "form", "needed", "rights"]
    ada.post(f"{here}/law", page, holds=holds, note="Section 1 of the law.")
    day = f"{utcnow():%Y-%m-%d}"
    scope = {"category.subscriber": "1", "subjects": at.account, "since": day, "until": day,
             "why": "The subscriber is enough."}  # fmt: skip
    with at.haven.db.read() as tx:
        names = tx.rows("SELECT name FROM platforms WHERE id = %(p)s", p=at.platform)
    everything = scope | {"subjects": f"{names[0]['name']} {at.account}"}
    ada.post(f"{here}/scope", page, **everything)
    ada.post(f"{here}/key", page, key=at.public, confirmed="1")
    ada.post(f"{here}/ask", page)
    # Who asked cannot agree, and the one who agrees sees what it is.
    waiting = ada.get("/console/second")
    (asked,) = at.rows("""SELECT a.id FROM approvals a JOIN lawful_requests r ON r.scope = a.matter
                          WHERE r.id = %(r)s""", r=row["id"])  # fmt: skip
    ada.post(f"/console/second/{asked['id']}/agree", waiting, 403)
    seen = ben.get("/console/second")
    assert "1 account" in seen
    assert "Who an account belongs to" in seen
    ben.post(f"/console/second/{asked['id']}/agree", seen)
    ada.post(f"{here}/produce", page)
    page = ada.get(here)
    assert "Not fetched yet." in page
    assert "less than was asked for" in page
    # The authority sees it with its code, and opens it with its key alone.
    status = place.ask("POST", "/authorities/status", urlencode({"code": code}).encode(), FORM)
    assert b"It was answered." in status.body
    sealed = place.ask("POST", "/authorities/packet", urlencode({"code": code}).encode(), FORM)
    packet = zipfile.ZipFile(io.BytesIO(open_with(at.key.private_bytes_raw(), sealed.body)))
    assert at.account.encode() in packet.read("account-1/subscriber.json")
    assert "account-1/content.json" not in packet.namelist()
    assert "Fetched " in ada.get(here)


def test_who_may_see_what(scene: tuple[Bureau, Place]) -> None:
    at, place = scene
    _by_door(place, authority="Secret Office", what="A secret of theirs.")
    (row,) = at.rows("SELECT id FROM lawful_requests ORDER BY received_at DESC LIMIT 1")
    with at.haven.db.begin(OPERATOR) as tx:
        aud = staff.create(tx, new_id("u")[-10:], ("auditor",))
        mod = staff.create(tx, new_id("m")[-10:], ("moderator",))
    at.call_back(str(row["id"]))
    at.lawful(str(row["id"]))
    at.narrow(str(row["id"]), why="A reason of ours.")
    at.ask(str(row["id"]))
    auditor = Person(place, at, Actor("staff", aud.id, aud.roles))
    page = auditor.get("/console/requests")
    assert "In numbers" in page
    assert "Secret Office" not in page
    auditor.get(f"/console/requests/{row['id']}", 403)
    moderator = Person(place, at, Actor("staff", mod.id, mod.roles))
    moderator.get("/console/requests", 403)
    assert "A reason of ours." not in moderator.get("/console/second")
    Person(place, at, at.ada).get(f"/console/requests/{row['id']}")
    (read,) = at.rows("SELECT staff, kind FROM reads WHERE matter = %(r)s", r=row["id"])
    assert read == {"staff": at.ada.id, "kind": "request"}


def test_a_crowd_hides_no_request_from_who_handles_them(
    scene: tuple[Bureau, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    at, place = scene
    monkeypatch.setattr(pages, "_SHEET", 2)
    made = {at.receive("foreign").id for _ in range(5)}
    ada, path, seen = Person(place, at, at.ada), "/console/requests?which=all", set[str]()
    for sheet in range(40):
        page = ada.get(f"{path}&sheet={sheet}")
        seen |= set(re.findall(r"lrq_[0-9a-z]+", page))
        if "Those after" not in page:
            break
    assert made <= seen
    ada.get(f"{path}&sheet=many")


def test_the_door_refuses_what_is_not_complete(scene: tuple[Bureau, Place]) -> None:
    _, place = scene
    for wrong in ({"country": "Germany"}, {"what": " "}, {"kind": "please"}, {"since": "yesterday"},
                  {"what": "x" * 10_001}):  # fmt: skip
        reply = place.ask("POST", "/authorities", urlencode(_LETTER | wrong).encode(), FORM)
        assert reply.status == 400, wrong
    # What cannot be read as an address speaks against the sender, and stops nobody.
    _by_door(place, email="(" * 5_000)
    for code in ("", "no-such-code", "%"):
        body = urlencode({"code": code}).encode()
        assert place.ask("POST", "/authorities/status", body, FORM).status == 404
        assert place.ask("POST", "/authorities/packet", body, FORM).status == 404


@pytest.mark.slow
def test_the_pages_in_a_browser(scene: tuple[Bureau, Place], chromium: Any, tmp_path: Path) -> None:
    from browsing import faults

    at, place = scene
    made = at.receive("epoc", "email", b"From: A <a@gmail.com>\n\nGive us all.", life=True)
    given = at.approved(delay_ground="order", delay_days=90)
    at.produce(given)
    order = at.receive("removal").id
    at.call_back(order)
    at.lawful(order)
    at.narrow(order, categories=(), subjects=(), items=(at.subject,))
    with at.haven.db.begin(OPERATOR) as tx:
        member = next(one for one in staff.members(tx) if one.id == at.ada.id)
        link = staff.sign_in_link(tx, member)
    own = {"list": "/console/requests", "new": "/console/requests/new",
           "contacts": "/console/requests/contacts",
           "received": f"/console/requests/{made.id}", "given": f"/console/requests/{given}",
           "order": f"/console/requests/{order}"}  # fmt: skip
    for wide in (1280, 390):
        page = chromium.new_context(viewport={"width": wide, "height": 900},
                                    java_script_enabled=wide == 1280).new_page()  # fmt: skip
        for name, path in {"door": "/authorities", "lawful": "/lawful-requests"}.items():
            page.goto(place.url + path)
            page.screenshot(path=tmp_path / f"{name}-{wide}.png", full_page=True)
            if wide == 1280:
                assert faults(page) == [], path
        if wide == 1280:
            page.goto(place.url + link)
            page.click("button")
            cookies = page.context.cookies()
        page.context.add_cookies(cookies)
        for name, path in own.items():
            page.goto(place.url + path)
            page.screenshot(path=tmp_path / f"{name}-{wide}.png", full_page=True)
            if wide == 1280:
                assert faults(page) == [], path
