"""Every route that changes something, generated from the table: no token, no change."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from web_scene import Place, serving

from openhaven import staff
from openhaven.core import Actor
from openhaven.staff.model import ROLES
from openhaven.web.routes import ROUTES

if TYPE_CHECKING:
    from openhaven.line import Haven

ME = Actor("system", "test")
KINDS = {
    "form": "application/x-www-form-urlencoded",
    "json": "application/json",
    "bytes": "application/octet-stream",
    "upload": "multipart/form-data; boundary=x",
}
WRITES = [route for route in ROUTES if route.method != "GET"]


@pytest.fixture
def place(haven: "Haven") -> Iterator[Place]:
    with serving(haven) as running:
        yield running


def everybody(haven: "Haven", place: Place) -> str:
    """Return the cookie of somebody who has every role."""
    with haven.db.begin(ME) as tx:
        link = staff.sign_in_link(tx, staff.create(tx, "Ada", ROLES))
    reply = place.ask("POST", link, b"", {"content-type": KINDS["form"]})
    return reply.headers["set-cookie"].partition(";")[0]


def state(haven: "Haven") -> object:
    """Return how much there is of everything that somebody could have changed."""
    with haven.db.read() as tx:
        sql = "SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        names = [row["t"] for row in tx.rows(sql)]
        return {name: tx.value(f"SELECT count(*) FROM {name}") for name in names
                if name not in ("ceremonies", "sign_in_attempts")}  # fmt: skip


def test_without_the_token_nobody_signed_in_changes_anything(haven: "Haven", place: Place) -> None:
    cookie = everybody(haven, place)
    before = state(haven)
    for route in WRITES:
        if route.gate.kind != "signed in":
            continue
        path = re.sub(r"\{\w+(:path)?\}", "none", route.path)
        kind = {"content-type": KINDS[route.takes]} if route.takes in KINDS else {}
        for body in (b"", b"csrf=" + b"0" * 64):
            reply = place.ask(
                route.method, path, body if kind else None, {**kind, "cookie": cookie}
            )
            assert reply.status in (400, 403), (path, reply.status)
            if reply.status == 400:
                assert route.takes == "upload", path
            else:
                assert reply.json["code"] == "form.stale", path
    assert {**state(haven), "reads": 0} == {**before, "reads": 0}


def test_no_page_of_another_site_sends_a_form_here(haven: "Haven", place: Place) -> None:
    cookie = everybody(haven, place)
    before = state(haven)
    foreign = ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"},
               {"origin": "null"})  # fmt: skip
    by_itself = ("/v1/", "/_matrix/")  # who has a key or a token needs no cookie
    for route in WRITES:
        if route.path.startswith(by_itself):
            continue
        path = re.sub(r"\{\w+(:path)?\}", "none", route.path)
        kind = {"content-type": KINDS[route.takes]} if route.takes in KINDS else {}
        for headers in foreign:
            reply = place.ask(route.method, path, b"" if kind else None,
                              {**kind, **headers, "cookie": cookie})  # fmt: skip
            # A bucket that is empty refuses as well.
            assert reply.status in (403, 429), (path, reply.status)
    assert {**state(haven), "reads": 0} == {**before, "reads": 0}


def test_no_page_can_be_shown_inside_another(haven: "Haven", place: Place) -> None:
    cookie = everybody(haven, place)
    for route in ROUTES:
        if route.method != "GET" or route.answer == "text/event-stream":
            continue
        path = re.sub(r"\{\w+(:path)?\}", "none", route.path)
        headers = place.ask("GET", path, headers={"cookie": cookie}).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"], path
        assert headers["x-frame-options"] == "DENY", path
