"""What keeps a browser on our side, and one client from taking everybody's place."""

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from web_scene import Clock, Place, house, serving

from openhaven.core import Problem
from openhaven.storage import Settings
from openhaven.web import Refusal, security, see_other
from openhaven.web.limits import Buckets, Rate, neighbourhood, site

FORM = {"content-type": "application/x-www-form-urlencoded"}


def test_every_answer_carries_the_headers(tmp_path: Path) -> None:
    with serving(house(tmp_path)) as place:
        sheet = "/static/openhaven.css"
        for path in ("/", "/v1/animals/1", "/nothing", "/trouble", sheet, "/healthz"):
            headers = place.ask("GET", path).headers
            assert "default-src 'none'" in headers["content-security-policy"], path
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cross-origin-opener-policy"] == "same-origin"
            assert "strict-transport-security" not in headers
            assert "server" not in headers


def test_with_tls_in_front(tmp_path: Path) -> None:
    with serving(house(tmp_path, public_url="https://safe.example")) as place:
        assert "max-age" in place.ask("GET", "/healthz").headers["strict-transport-security"]


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:8700", 200), ("localhost", 200), ("[::1]:8700", 200), ("safe.example", 200),
     ("SAFE.example:443", 200), ("192.0.2.7", 200), ("evil.example", 421),
     ("localhost.evil.test", 421),
     ("a b", 421), ("[::1", 421), ("", 421), ("evil.example:8700@localhost", 421)],
)  # fmt: skip
def test_only_our_own_names(tmp_path: Path, host: str, status: int) -> None:
    hosts = security.Hosts(Settings(home=tmp_path, public_url="https://safe.example"))
    if status == 200:
        hosts.check(host)
    else:
        with pytest.raises(Problem) as caught:
            hosts.check(host)
        assert caught.value.status == status


@given(st.text(max_size=50))
def test_no_host_header_breaks_the_check(host: str) -> None:
    with suppress(Problem):
        security.Hosts(Settings(public_url="https://safe.example")).check(host)


def test_a_request_for_another_name_is_refused(tmp_path: Path) -> None:
    with serving(house(tmp_path)) as place:
        assert place.ask("GET", "/", headers={"host": "evil.example"}).status == 421
        assert place.ask("GET", "/v1/animals/1", headers={"host": "openhaven:8700"}).status == 200


def test_forms_of_other_sites_are_refused(tmp_path: Path) -> None:
    with serving(house(tmp_path)) as place:
        ours, theirs = place.url, "https://evil.example"
        for headers, status in (
            ({}, 200), ({"origin": ours}, 200), ({"origin": theirs}, 403),
            ({"origin": "null"}, 403),
            ({"origin": "null", "sec-fetch-site": "same-origin"}, 200),
            ({"sec-fetch-site": "cross-site"}, 403), ({"sec-fetch-site": "same-site"}, 403),
            ({"sec-fetch-site": "none", "origin": ours}, 200), ({"origin": "http://[::1"}, 403),
        ):  # fmt: skip
            reply = place.ask("POST", "/form", b"a=1", FORM | headers)
            assert reply.status == status, headers


def test_too_many_forms(tmp_path: Path) -> None:
    with serving(house(tmp_path)) as place:
        found = [place.ask("POST", "/limited", b"a=1", FORM) for _ in range(12)]
    assert [reply.status for reply in found] == [200] * 10 + [429] * 2
    assert 1 <= int(found[-1].headers["retry-after"]) <= 31


def test_too_much_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openhaven.web.endpoint._MEMORY", 10)
    with serving(house(tmp_path)) as place:
        assert place.ask("POST", "/bytes", b"x" * 10).status == 200
        reply = place.ask("POST", "/bytes", b"x" * 11)
        assert (reply.status, reply.json["code"]) == (503, "server.full")
        assert place.ask("POST", "/bytes", b"x" * 10).status == 200
        monkeypatch.setattr("openhaven.web.endpoint.MAX_WAITING", 0)
        reply = place.ask("GET", "/v1/animals/1")
        assert (reply.status, reply.json["code"], reply.headers["retry-after"]) == (
            503, "server.busy", "1")  # fmt: skip


def test_the_word_of_a_proxy_counts_only_when_there_is_one(tmp_path: Path) -> None:
    forged = {"x-forwarded-for": "203.0.113.9, 198.51.100.7"}
    with serving(house(tmp_path)) as place:
        assert place.ask("GET", "/v1/animals/1", headers=forged).json["client"] == "127.0.0.1"
    with serving(house(tmp_path, behind_proxy=True)) as place:
        assert place.ask("GET", "/v1/animals/1", headers=forged).json["client"] == "198.51.100.7"


def test_a_bucket_fills_again() -> None:
    buckets = Buckets({"x": Rate(2, 10.0)})
    buckets.take("x", "a", 0.0)
    buckets.take("x", "a", 0.0)
    with pytest.raises(Refusal) as caught:
        buckets.take("x", "a", 5.0)
    assert caught.value.headers["retry-after"] == "6"
    buckets.take("x", "b", 5.0)
    buckets.take("x", "a", 10.0)
    with pytest.raises(Refusal):
        buckets.take("x", "a", 19.0)


@given(st.lists(st.floats(0, 50), max_size=60))
def test_no_bucket_gives_more_than_its_rate(gaps: list[float]) -> None:
    buckets, now, given_at = Buckets({"x": Rate(3, 10.0)}), 100.0, list[float]()
    for gap in gaps:
        now += gap
        try:
            buckets.take("x", "a", now)
            given_at.append(now)
        except Refusal:
            continue
    for begin in given_at:
        within = [at for at in given_at if begin <= at <= begin + 50.0]
        assert len(within) <= 3 + 5 + 1


def test_no_redirect_breaks_a_header() -> None:
    answer = see_other("/report/\xdf\u4e2d\r\nset-cookie: a=b?x=1&y=%20#z")
    assert answer.headers["location"].isascii()
    assert answer.headers["location"].isprintable()
    assert answer.headers["location"].endswith("?x=1&y=%20#z")


def test_one_ipv6_network_is_one_client() -> None:
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:2")
    assert neighbourhood("2001:db8::1") != neighbourhood("2001:db8:0:1::1")
    assert neighbourhood("::ffff:192.0.2.1") == "192.0.2.1"
    assert site("2001:db8:0:1::1") == site("2001:db8:0:ffff::2") != site("2001:db8:1::1")
    assert site("::ffff:192.0.2.1") == site("192.0.2.1") == "192.0.2.1"
    assert neighbourhood("who knows") == "who knows"


def test_a_live_page_sends_changes(tmp_path: Path) -> None:
    Clock.text = "one\ntwo"
    with serving(house(tmp_path)) as place:
        reply = place.pool.request("GET", place.url + "/animals/live", preload_content=False)
        assert reply.headers["content-type"].startswith("text/event-stream")
        parts = reply.stream(1)
        assert _until(parts, b"data: one\ndata: two\n\n")
        Clock.text = "three"
        assert _until(parts, b"data: three\n\n")
        place.server.stop()
        assert list(parts) == []


def test_a_watcher_that_leaves_is_forgotten(tmp_path: Path) -> None:
    with serving(house(tmp_path)) as place:
        hub = place.server.config.app.state.desk.hub
        streams = [_watch(place) for _ in range(3)]
        assert hub.watchers == 3
        for stream, _ in streams:
            stream.close()
        deadline = time.monotonic() + 300
        while hub.watchers and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (hub.watchers, hub.topics) == (0, ())


def test_watchers_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["openhaven.web.live"], "MAX_WATCHERS", 2)
    with serving(house(tmp_path)) as place:
        streams = [_watch(place) for _ in range(2)]
        reply = place.ask("GET", "/animals/live")
        assert (reply.status, reply.json["code"]) == (503, "live.full")
        for stream, _ in streams:
            stream.close()


def _watch(place: Place) -> tuple[urllib3.BaseHTTPResponse, Iterator[bytes]]:
    """Begin to watch, and wait for the first message; who drops the iterator leaves."""
    stream = place.pool.request("GET", place.url + "/animals/live", preload_content=False)
    parts = stream.stream(1)
    assert _until(parts, b"\n\n")
    return stream, parts


def _until(parts: Iterator[bytes], wanted: bytes) -> bool:
    found = b""
    for part in parts:
        found += part
        if found.endswith(wanted):
            return True
    return False


def test_no_path_makes_a_page_link_to_another_host(tmp_path: Path) -> None:
    with serving(house(tmp_path)) as place:
        for path in ("//evil.example/", "///evil.example", "/%2Fevil.example/", "//evil.example"):
            reply = place.ask("GET", path, headers={"accept": "text/html"})
            assert b'hreflang="de"' in reply.body, path
            assert b'href="//' not in reply.body, path
