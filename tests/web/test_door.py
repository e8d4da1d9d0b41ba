"""The guarded door: whatever is sent, the answer is clear and the process lives."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_scene import Place, house, serving

PROBLEM = "application/problem+json"
HTML = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home: Path = tmp_path_factory.mktemp("home")
    with serving(house(home, media_limit=2_000_000)) as running:
        yield running


def refused(place: Place, body: bytes, code: str = "body.unreadable") -> str:
    """Send a body that must be refused with 400, and return the detail."""
    reply = place.post_json("/v1/animals", body)
    assert (reply.status, reply.headers["content-type"]) == (400, PROBLEM), reply.body
    assert reply.json["code"] == code
    assert reply.json["next"]
    return str(reply.json.get("detail", ""))


def test_a_good_body_comes_through(place: Place) -> None:
    body = {"name": "Zoë 😀 \\u0000 [[[", "legs": 2, "tags": {"a": 1.5, "b": None, "c": 1 - 2**63}}
    reply = place.post_json("/v1/animals", body)
    assert (reply.status, reply.json) == (200, {**body, "young": []})
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"{", "truncated"),
        (b'{"name": "a"} x', "trailing"),
        (b"\xff\xfe{}", "UTF-8 (byte 0)"),
        (b'{"name": "\xed\xa0\x80"}', "UTF-8 (byte 10)"),
        (b'{"name": "a\x00b"}', "NUL character (byte 11)"),
        (b'{"name": "a\\u0000b"}', "escaped NUL character"),
        (b'{"name": "\\\\\\u0000"}', "escaped NUL character"),
        (b'{"n\\u0000": 1}', "escaped NUL character"),
        (b'{"name": "\\ud800"}', ""),
        (b'{"name": "\\udc00x"}', "surrogate"),
        (b'{"name": "a", "legs": NaN}', "invalid character"),
        (b'{"name": "a", "legs": 1e400}', "too large"),
        (b'{"name": "a", "legs": 10000000000000000000000000}', "too large"),
        (b'{"name": "a", "tags": {"x": 9223372036854775808}}', "too large"),
        (b'{"name": "a", "legs": ' + b"9" * 100_000 + b"}", "too large"),
        (b'{"name": "a", "tags": {"x": 1.' + b"1" * 100_000 + b"}}", "too large"),
        (b"[" * 10_000 + b"]" * 10_000, "64 deep"),
        (b'{"young":[' * 5_000 + b"]}" * 5_000, "64 deep"),
        (b"[" * 2_000_000, "64 deep"),
        (b'{"a":' * 1_000_000, "64 deep"),
        (b'"' + b'\\"' * 1_000_000, "truncated"),
        (b"." * 1_000_000, "invalid character"),
        (b"-" * 500_000, ""),
    ],
)
def test_an_unreadable_body_is_refused(place: Place, body: bytes, words: str) -> None:
    assert words in refused(place, body)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"legs": 4}, "`name`"),
        ({"name": 4}, "$.name"),
        ({"name": "a", "wings": 2}, "`wings`"),
        ({"name": "a", "young": [{"name": "b"}, {"name": "c", "legs": "two"}]}, "$.young[1].legs"),
        ({"name": "a", "tags": {"x": []}}, "$.tags[...]"),
        ([], "array"),
    ],
)
def test_a_wrong_body_is_refused_with_the_path(place: Place, body: object, path: str) -> None:
    assert path in refused(place, json.dumps(body).encode(), "body.wrong")


def test_64_deep_is_deep_enough(place: Place) -> None:
    inner: dict[str, Any] = {"name": "x"}
    for _ in range(31):
        inner = {"name": "x", "young": [inner]}
    assert place.post_json("/v1/animals", inner).status == 200


JUNK = st.text(alphabet='{}[]"\\u0dD8e+-.,: a9\x00', max_size=80).map(str.encode)


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=200) | JUNK)
def test_any_bytes_get_an_answer(place: Place, body: bytes) -> None:
    assert place.post_json("/v1/animals", body).status in (200, 400)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_gets_an_answer(place: Place, value: Any) -> None:
    body = {"name": "a", "tags": value} if isinstance(value, dict) else value
    assert place.post_json("/v1/animals", body).status in (200, 400)


def test_the_kind_of_a_body(place: Place) -> None:
    body = b'{"name": "a"}'
    latin = "application/json; charset=latin-1"
    for kind in ("text/plain", "application/x-www-form-urlencoded", latin, ""):
        reply = place.ask("POST", "/v1/animals", body, {"content-type": kind})
        assert (reply.status, reply.json["code"]) == (415, "body.kind"), kind
    for kind in ("application/json", "Application/JSON; charset=UTF-8", "application/vnd.x+json"):
        assert place.ask("POST", "/v1/animals", body, {"content-type": kind}).status == 200, kind
    packed = place.post_json("/v1/animals", body, **{"content-encoding": "gzip"})
    assert packed.status == 415
    assert packed.headers["accept-encoding"] == "identity"


def test_a_body_that_is_declared_too_large(place: Place) -> None:
    reply = place.ask("POST", "/bytes", b"x" * 2_000_001)
    assert (reply.status, reply.json["code"]) == (413, "body.too_large")
    assert "2000000 bytes" in reply.json["detail"]
    assert place.ask("POST", "/bytes", b"x" * 2_000_000).json == {"bytes": 2_000_000}


def test_100_megabytes(place: Place) -> None:
    assert place.post_json("/v1/animals", b" " * 100_000_000).status == 413


def test_a_body_without_length(place: Place) -> None:
    def chunks(count: int) -> Iterator[bytes]:
        yield from (b"x" * 50_000 for _ in range(count))

    assert place.ask("POST", "/bytes", chunks(40)).json == {"bytes": 2_000_000}
    assert place.ask("POST", "/bytes", chunks(41)).status == 413
    assert place.ask("POST", "/bytes", chunks(400)).status == 413


def test_a_body_where_none_belongs(place: Place) -> None:
    assert place.ask("GET", "/v1/animals/1", b"x").status == 413


def test_a_slow_body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openhaven.web.body.PATIENCE", 0.3)
    monkeypatch.setattr("openhaven.web.body.SLOWEST", 1e12)
    head = b"POST /bytes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n"
    with (
        serving(house(tmp_path)) as place,
        socket.create_connection(("127.0.0.1", place.port), timeout=300) as line,
    ):
        line.sendall(head + b"a")
        assert line.recv(1_000).startswith(b"HTTP/1.1 408 ")


def test_an_endless_head(place: Place) -> None:
    lines = [
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n",
        *[b"x: " + b"y" * 40_000 + b"\r\n"] * 3,
    ]
    answer = place.raw(lines, pause=0.05)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"head.too_large" in answer
    endless = place.raw([b"GET /" + b"a" * 50_000, b"a" * 50_000], pause=0.05)
    assert endless.startswith(b"HTTP/1.1 431 ")


def test_a_slow_head(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openhaven.web.wire.HEAD_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", place.port), timeout=300) as line:
        assert b"head.slow" in line.recv(1_000)
    # A machine that stands still makes each of these slow, but not every time.
    assert any(_rests_between_two_requests(place) for _ in range(20))


def _rests_between_two_requests(place: Place) -> bool:
    """Say whether a connection may rest after an answer, until the next request has begun."""
    with socket.create_connection(("127.0.0.1", place.port), timeout=300) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        if not line.recv(5_000).startswith(b"HTTP/1.1 200 "):
            return False
        time.sleep(0.6)
        line.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        if not line.recv(5_000).startswith(b"HTTP/1.1 200 "):
            return False
        line.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n")
        return b"head.slow" in line.recv(1_000)


def test_a_large_body_right_behind_the_head(place: Place) -> None:
    body = b"x" * 1_500_000
    head = b"POST /bytes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1500000\r\n\r\n"
    assert b'"bytes":1500000' in place.raw(head + body)


def test_a_client_that_leaves(place: Place) -> None:
    head = b"POST /bytes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nabc"
    assert place.raw(head) == b""
    assert place.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize(
    "target",
    ["/v1/animals/%zz", "/v1/animals/%", "/v1/animals/a%00b", "/v1/animals/%ff", "/%00",
     "/v1/animals/1?a=%zz", "/v1/animals/1?a=%00", "/v1/animals/1?%ff=1", "/healthz?q=%00"],
)  # fmt: skip
def test_addresses_that_nobody_can_read(place: Place, target: str) -> None:
    answer = place.raw(f"GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert b"percent-encode" in answer.lower()


def test_ids_with_strange_characters_in_a_path(place: Place) -> None:
    reply = place.ask("GET", "/v1/%61nimals/a%2Fb%20%C3%A9%25?x=1%2B1+2&y=&x=3&z")
    assert reply.json["path"] == "a/b é%"
    assert reply.json["query"] == {"x": "1+1 2", "y": "", "z": ""}


def test_what_is_not_there(place: Place) -> None:
    reply = place.ask("GET", "/v1/nothing")
    assert (reply.status, reply.headers["content-type"], reply.json["code"]) == (
        404, PROBLEM, "address.unknown")  # fmt: skip
    for path in ("/nothing", "/static/nothing.css", "/static/../call.py", "/static/%2e%2e/call.py"):
        assert place.ask("GET", path).status == 404, path
    page = place.ask("GET", "/nothing", headers=HTML)
    assert page.status == 404
    assert page.headers["content-type"].startswith("text/html")
    assert b"There is nothing at this address." in page.body
    assert place.ask("POST", "/nothing").status == 404


def test_a_browser_gets_problems_of_the_api_as_json(place: Place) -> None:
    assert place.ask("GET", "/v1/nothing", headers=HTML).headers["content-type"] == PROBLEM
    for accept in ("application/json", "*/*", "text/html;q=0.4,application/json", "a/b;q=x;,", ""):
        reply = place.ask("GET", "/nothing", headers={"accept": accept})
        assert reply.headers["content-type"] == PROBLEM, accept
    json_wins = place.ask("GET", "/tea", headers={"accept": "text/html;q=0.4, application/json"})
    assert json_wins.headers["content-type"] == PROBLEM


def test_the_wrong_method(place: Place) -> None:
    reply = place.ask("DELETE", "/v1/animals/1")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")
    assert place.ask("GET", "/v1/animals").headers["allow"] == "POST"
    assert place.ask("POST", "/static/openhaven.css").status == 405
    assert place.ask("PROPFIND", "/").status == 405
    assert place.ask("PROPFIND", "/nothing").status == 404


def test_head_answers_without_a_body(place: Place) -> None:
    reply = place.ask("HEAD", "/v1/animals/1")
    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.headers["content-length"]) > 0
    assert place.ask("HEAD", "/nothing").status == 404


def test_an_unexpected_error_tells_nothing_and_kills_nothing(place: Place) -> None:
    for _ in range(3):
        reply = place.ask("GET", "/trouble")
        assert (reply.status, reply.json["code"]) == (500, "server.error")
        assert "err_" in reply.json["detail"]
        assert b"secret words" not in reply.body
    page = place.ask("GET", "/trouble", headers=HTML)
    assert (page.status, b"err_" in page.body) == (500, True)
    assert place.ask("GET", "/healthz").json == {"status": "alive"}


def test_a_problem_keeps_its_words(place: Place) -> None:
    reply = place.ask("GET", "/tea")
    assert reply.json == {
        "type": "urn:openhaven:problem:tea.pot", "title": "It is a teapot.", "status": 418,
        "detail": "short", "code": "tea.pot", "next": "Ask for tea."}  # fmt: skip
    page = place.ask("GET", "/tea", headers=HTML)
    assert (page.status, b"Ask for tea." in page.body) == (418, True)


def test_forms(place: Place) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    reply = place.ask("POST", "/form", b"a=1&a=%C3%A9+x&b=", kind)
    assert reply.json == {"form": {"a": "1", "b": ""}, "all": ["1", "é x"]}
    for broken in (b"a=%00", b"a=\x00", b"a=%zz", b"a=\xff", b"&".join([b"a=1"] * 300)):
        assert place.ask("POST", "/form", broken, kind).json["code"] == "form.unreadable"
    assert place.ask("POST", "/form", b"a=" + b"x" * 1_000_000, kind).status == 413


def test_malformed_requests_do_not_stop_the_server(place: Place) -> None:
    post = b"POST /bytes HTTP/1.1\r\nhost: localhost\r\n"
    for junk in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                 b"GET / HTTP/1.1\r\nhost: a\x00b\r\n\r\n", post + b"content-length: -1\r\n\r\n",
                 post + b"content-length: 1_0\r\n\r\n",
                 post + b"transfer-encoding: chunked\r\n\r\nzz\r\n"):  # fmt: skip
        answer = place.raw(junk)
        assert b" 500 " not in answer[:20], junk
    assert place.ask("GET", "/healthz").status == 200


def test_a_fault_comes_with_its_whole_path(place: Place) -> None:
    for body, path in (
        ({"name": "Rex", "wings": 2}, "$.wings"),
        ({"legs": 4}, "$.name"),
        ({"name": "Rex", "young": [{"name": "Kid", "wings": 2}]}, "$.young[0].wings"),
        ({"name": "Rex", "young": [{"name": "Kid", "legs": "four"}]}, "$.young[0].legs"),
        ([], "$"),
    ):
        assert f"`{path}`" in refused(place, json.dumps(body).encode(), "body.wrong")
