"""A specialist writes a report, sees what is missing, files it, and sees its receipt."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
from api_post import post_office
from filing_scene import WHO, Office, office, schema_of
from web_scene import Place, serving

from openhaven import staff
from openhaven.authorities import duties, nca
from openhaven.core import Actor
from openhaven.line import Haven
from openhaven.storage.settings import Mail

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def at(house: Haven, shared: Path) -> Iterator[Office]:
    with office(house, schema_of(shared)) as found:
        yield found


class Person:
    """Somebody at the console."""

    def __init__(self, place: Place, at: Office, who: Actor) -> None:
        with at.haven.db.begin(Actor("system", "test")) as tx:
            member = next(one for one in staff.members(tx) if one.id == who.id)
            link = staff.sign_in_link(tx, member)
        reply = place.ask("POST", link, b"", FORM)
        self.cookie = {"cookie": reply.headers["set-cookie"].partition(";")[0]}
        self.place = place

    def get(self, path: str) -> str:
        reply = self.place.ask("GET", path, headers=self.cookie)
        assert reply.status == 200, (path, reply.status, reply.body[:500])
        return reply.body.decode()

    def post(self, path: str, page: str, status: int = 303, **fields: str) -> str:
        token = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
        assert token
        hidden = dict(
            re.findall(r'<input type="hidden" name="(number|version)" value="(\d+)">', page)
        )
        body = urlencode({"csrf": token[1], **hidden, **fields}).encode()
        reply = self.place.ask("POST", path, body, FORM | self.cookie)
        assert reply.status == status, (path, reply.status, reply.body[-3000:])
        return reply.headers.get("location", "") or reply.body.decode()


@pytest.fixture
def desk_of(at: Office) -> Iterator[tuple[Office, Place]]:
    where = msgspec.structs.replace(WHO, cybertip_url=at.url, hotlines={"DE": "h@h.example"})
    settings = msgspec.structs.replace(at.haven.settings, authorities=where)
    haven = _with(at.haven, settings)
    with serving(haven, ()) as place:
        yield at, place


def _with(haven: Haven, settings: object) -> Haven:
    from dataclasses import replace

    return replace(haven, settings=settings)  # type: ignore[arg-type]


def test_from_the_duty_to_the_receipt(desk_of: tuple[Office, Place]) -> None:
    at, place = desk_of
    case = at.case()
    with at.haven.db.begin(at.desk.ada) as tx:
        duty = duties.open(tx, case, "US", tx.now, "18 U.S.C. 2258A")
        (item,) = tx.rows("SELECT id FROM evidence_items WHERE case_id = %(c)s", c=case)
    ada = Person(place, at, at.desk.ada)
    registry = ada.get("/console/filings")
    assert f"/console/cases/{case}/report/ncmec" in registry
    assert f"/console/duties/{duty}" in registry
    path = f"/console/cases/{case}/report/ncmec"
    page = ada.get(path)
    assert "Nobody was shown the whole of it. The report will say: not viewed." in page
    assert "Nothing. It fits" in page
    chosen = {f"file.{item['id']}": "1", f"class.{item['id']}": "Z9"}
    for given in ({"ips": "not a moment x"}, {"ips": "192.0.2.7 0001-01-01T00:00+14:00"}, chosen):
        assert "cannot be read" in ada.post(path, page, 400, do="keep", **given)
    refused = ada.post(path, page, 409, do="file", ips="999.1.1.1", **{f"file.{item['id']}": "1"})
    assert "This is no IPv4 or IPv6 address." in refused
    assert "999.1.1.1" in refused
    page = ada.get(path)
    assert "999.1.1.1" in page
    kept = ada.post(path, page, do="keep", ips="192.0.2.7 2026-01-02T03:04Z 443",
                    urgent="A child is in danger.", notes="Placeholder only.",
                    **{f"file.{item['id']}": "1", "tag.sextortion": "1"})  # fmt: skip
    assert kept.startswith(path)
    page = ada.get(path)
    for words in ("192.0.2.7", "A child is in danger.", "Placeholder only."):
        assert words in page
    filed = ada.post(path, page, do="file", ips="192.0.2.7 2026-01-02T03:04Z 443",
                     urgent="A child is in danger.", **{f"file.{item['id']}": "1"})  # fmt: skip
    assert filed.startswith("/console/filings/fil_")
    assert "on its way" in ada.get(filed)
    at.until_quiet()
    (held,) = at.finished()
    page = ada.get(filed)
    assert str(held.id) in page
    assert "received by the authority" in page
    assert b"<escalateToHighPriority>A child is in danger.<" in held.document
    assert b"<ipAddress>192.0.2.7</ipAddress>" in held.document
    assert f"reference {held.id}" in ada.get(f"/console/duties/{duty}")


def test_no_report_is_agreed_on_in_the_console(desk_of: tuple[Office, Place]) -> None:
    at, place = desk_of
    case = at.case()
    with at.haven.db.begin(at.desk.ada) as tx:
        duty = duties.open(tx, case, "US", tx.now, "18 U.S.C. 2258A")
    ada = Person(place, at, at.desk.ada)
    path = f"/console/duties/{duty}"
    ada.post(f"{path}/no-report", ada.get(path), reason="It is a museum's statue.")
    assert "A second person looks at this reason" in ada.get(path)
    assert "museum" in ada.get("/console/second")


def test_the_nca_is_told_by_a_sheet_and_not_twice(desk_of: tuple[Office, Place]) -> None:
    at, place = desk_of
    case = at.case()
    with at.haven.db.begin(at.desk.ada) as tx:
        us = duties.open(tx, case, "US", tx.now, "18 U.S.C. 2258A")
        gb = duties.open(tx, case, "GB", tx.now, "Online Safety Act 2023")
        duties.cover(tx, gb, us)
    ada = Person(place, at, at.desk.ada)
    path = f"/console/cases/{case}/report/nca"
    assert "counts here as well" in ada.post(path, ada.get(path), 409, do="file", priority="1")
    with at.haven.db.begin(at.desk.ada) as tx:
        tx.run("UPDATE duties SET covered_by = NULL WHERE id = %(d)s", d=gb)
    filed = ada.post(path, ada.get(path), do="file", priority="1", urgent="Danger.")
    sheet = ada.get(f"{filed}/sheet.txt")
    assert "Priority 1" in sheet
    assert "identifier of the account: a1" in sheet
    assert "seen by a person: no" in sheet
    ada.post(f"{filed}/reference", ada.get(filed), reference="NCA-1")
    assert "NCA-1" in ada.get(f"/console/duties/{gb}")
    with at.haven.db.read() as tx:
        assert duties.duty(tx, us).state == "open"
        grounds = tx.rows("SELECT ground FROM holds WHERE case_id = %(c)s", c=case)
    assert {row["ground"] for row in grounds} == {"uk.nca.content", "uk.nca.reference"}


@pytest.mark.slow
def test_the_pages_in_a_browser(desk_of: tuple[Office, Place], chromium, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from browsing import faults

    at, place = desk_of
    case = at.case(pictures=2)
    with at.haven.db.begin(at.desk.ada) as tx:
        duty = duties.open(tx, case, "US", tx.now, "18 U.S.C. 2258A: as soon as possible.")
        member = next(one for one in staff.members(tx) if one.id == at.desk.ada.id)
        link = staff.sign_in_link(tx, member)
    filed = at.press(at.draft(at.case()))
    at.until_quiet()
    for wide in (1280, 390):
        page = chromium.new_context(viewport={"width": wide, "height": 900},
                                    java_script_enabled=wide == 1280).new_page()  # fmt: skip
        if wide == 1280:
            page.goto(place.url + link)
            page.click("button")
            cookies = page.context.cookies()
        page.context.add_cookies(cookies)
        pages = {"registry": "filings", "form": f"cases/{case}/report/ncmec",
                 "nca": f"cases/{case}/report/nca", "duty": f"duties/{duty}",
                 "filing": f"filings/{filed.id}"}  # fmt: skip
        for name, path in pages.items():
            page.goto(f"{place.url}/console/{path}")
            page.screenshot(path=tmp_path / f"{name}-{wide}.png", full_page=True)
            if wide == 1280:
                assert faults(page) == [], path


def test_a_hotline_gets_a_letter_and_its_reference_ends_the_duty(
    desk_of: tuple[Office, Place],
) -> None:
    at, place = desk_of
    case = at.case()
    with at.haven.db.begin(at.desk.ada) as tx:
        duty = duties.open(tx, case, "DE", tx.now, "Its own law.")
    ada = Person(place, at, at.desk.ada)
    path = f"/console/cases/{case}/report/hotline-de"
    filed = ada.post(path, ada.get(path), do="file", notes="Seen twice.", screen_name="somebody")
    where = msgspec.structs.replace(WHO, hotlines={"DE": "h@h.example"})
    with post_office() as post:
        mail = Mail(host="127.0.0.1", port=post.port, starttls=False)
        settings = msgspec.structs.replace(at.haven.settings, authorities=where, mail=mail)
        post.refuse = b"451 not now"
        assert nca.send_letters(at.haven.db, settings) == 1
        assert post.letters == []
        assert "did not take it" in ada.get(filed)
        post.refuse = b""
        with at.haven.db.begin(at.desk.ada) as tx:
            tx.run("UPDATE filings SET next_at = now() WHERE case_id = %(c)s", c=case)
        assert nca.send_letters(at.haven.db, settings) == 1
        assert nca.send_letters(at.haven.db, settings) == 0
    # What is in somebody's letter box is not withdrawn in silence.
    assert "was sent" in ada.post(f"{filed}/withdraw", ada.get(filed), 409)
    (letter,) = post.to("h@h.example")
    text = letter.get_content()
    assert "https://here.example/i/1" in text
    assert "somebody" not in text
    with at.haven.db.read() as tx:
        assert duties.duty(tx, duty).state == "open"
    ada.post(f"{filed}/reference", ada.get(filed), reference="H-7")
    assert "reference H-7" in ada.get(f"/console/duties/{duty}")
    assert "no reference is entered" in ada.post(
        f"{filed}/reference", ada.get(path), 409, reference="H-8").lower()  # fmt: skip


def test_the_nca_is_told_more_later(desk_of: tuple[Office, Place]) -> None:
    at, place = desk_of
    case = at.case()
    ada = Person(place, at, at.desk.ada)
    path = f"/console/cases/{case}/report/nca"
    first = ada.post(path, ada.get(path), do="file", priority="2")
    ada.post(f"{first}/reference", ada.get(first), reference="NCA-1")
    page = ada.get(path)
    assert "<h1>Supplement to National Crime Agency" in page
    second = ada.post(path, page, do="file", priority="2", notes="Found later.")
    assert second != first
    sheet = ada.get(f"{second}/sheet.txt")
    assert "earlier reference: NCA-1" in sheet
    assert "Found later." in sheet


def test_others_see_the_registry_and_nothing_that_is_stated(
    desk_of: tuple[Office, Place],
) -> None:
    at, place = desk_of
    case = at.case()
    draft = at.draft(case, notes="A secret of the case.")
    with at.haven.db.begin(Actor("system", "test")) as tx:
        tx.run("UPDATE staff SET roles = '{auditor}' WHERE id = %(i)s", i=at.desk.ben.id)
    ben = Person(place, at, at.desk.ben)
    assert draft.id in ben.get("/console/filings")
    assert "A secret of the case." not in ben.get(f"/console/filings/{draft.id}")
    for path in (f"cases/{case}/report/ncmec", f"filings/{draft.id}/sheet.txt"):
        assert place.ask("GET", f"/console/{path}", headers=ben.cookie).status == 403
