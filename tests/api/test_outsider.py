"""Somebody who means harm: with another platform's key, with none, and as a platform that lies."""

import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import pytest
import urllib3
from api_scene import REMOVE, REVIEW, Town, body, name, problem, saying
from line_scene import OPERATOR

from openhaven import decisions, intake
from openhaven.connectors import http
from openhaven.connectors.http import Http, UnreachableError, check_address
from openhaven.core import Problem
from openhaven.line import jobs

FORM = {"content-type": "application/x-www-form-urlencoded"}


# The key of another platform -------------------------------------------------------------------


def test_another_platform_sees_and_changes_nothing(town: Town) -> None:
    sent = saying(REMOVE)
    verdict = town.judged(sent)
    decision = verdict["decision"]
    [act] = town.rows(
        "SELECT id, state FROM acts WHERE decision = %(d)s AND verb = 'remove'", d=decision
    )
    town.work()
    [before] = town.rows("SELECT * FROM acts WHERE id = %(a)s", a=act["id"])
    theirs = town.there.key
    for path in (
        f"/v1/events/{sent['id']}",
        f"/v1/decisions/{decision}",
        f"/v1/decisions/{decision}/statement",
        f"/v1/decisions/{decision}/statement?form=dsa",
    ):
        told = problem(town.ask("GET", path, key=theirs), 404)
        missing = problem(
            town.ask("GET", re.sub("(dec|e)_[a-z0-9]+", r"\1_none", path), key=theirs), 404
        )
        assert told == missing, "what exists elsewhere looks like what does not exist"
    given = {"state": "failed", "reason": "sabotage"}
    problem(town.ask("POST", f"/v1/acts/{act['id']}/outcome", given, key=theirs), 404)
    assert town.rows("SELECT * FROM acts WHERE id = %(a)s", a=act["id"]) == [before]


def test_ids_of_two_platforms_never_meet(town: Town) -> None:
    """The same ids of event, account and item on both: two of everything."""
    sent = saying(REVIEW)
    mine, theirs = town.judged(sent), town.judged(sent, town.there.key)
    assert mine["task"] != theirs["task"]
    other = saying("tea", id=sent["id"])
    problem(town.send(other, key=town.there.key), 409)
    about = {"subject": {"item": sent["item"]["id"]}, "category": "spam", "text": "x"}
    town.ask("POST", "/v1/reports", about, key=town.there.key)
    town.work()
    reports = {task["id"]: task["reports"] for task in town.rows("SELECT id, reports FROM tasks")}
    assert (reports[mine["task"]], reports[theirs["task"]]) == (0, 1)
    made = town.judge(theirs["task"], "suspend", days=3)
    accounts = town.rows("SELECT platform FROM accounts WHERE id = %(a)s", a=sent["account"]["id"])
    assert len(accounts) == 2
    assert made["platform"] == town.there.platform


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer oh_" + "a" * 43,
        "Bearer oh_" + "a" * 5_000,
        "Basic b2g6eA==",
        "bearer  ",
        "Bearer oh_'; DROP TABLE api_keys; --",
        "Bearer oh_{}{}%s",
        "Token KEY",
        "Bearer KEY KEY",
        "Bearer KEY, Bearer KEY",
        "KEY",
        "Bearer OH_KEY",
    ],
)
def test_no_key_or_a_wrong_one(town: Town, header: str | None) -> None:
    shown = {} if header is None else {"authorization": header.replace("KEY", town.here.key)}
    for method, path in (
        ("POST", "/v1/events"),
        ("GET", "/v1/events/x"),
        ("POST", "/v1/media"),
        ("GET", "/v1/decisions/x"),
        ("POST", "/v1/reports"),
    ):
        reply = town.ask(method, path, b"{}" if method == "POST" else None, key="", headers=shown)
        told = problem(reply, 401)
        assert "www-authenticate" in reply.headers
        assert town.here.key not in json.dumps(told)


def test_the_key_is_not_taken_from_the_url_or_a_cookie(town: Town) -> None:
    key = town.here.key
    problem(town.ask("POST", f"/v1/events?key={key}&access_token={key}", body(), key=""), 401)
    problem(
        town.ask("POST", "/v1/events", body(), key="", headers={"cookie": f"authorization={key}"}),
        401,
    )


def test_a_session_of_staff_is_no_key_and_a_key_is_no_session(town: Town) -> None:
    town.person("ana")
    problem(town.ask("POST", "/v1/events", body(), key="", headers=town.cookie("ana")), 401)
    assert town.ask("GET", "/console", headers={"accept": "text/html"}).status == 401


# Guessing --------------------------------------------------------------------------------------


def test_guessing_links_is_slow_and_tells_nothing(small_town: Town) -> None:
    town = small_town
    decision = town.judged(saying(REMOVE))["decision"]
    token = town.token(decision)
    answers = set()
    for guess in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token[:26] + "A" * 22,
        token + "A",
        token.upper(),
        "x",
        "ü",
        "%00",
        token[:26],
    ):
        reply = town.place.ask("GET", f"/appeal/{guess}")
        assert reply.status in (400, 404)
        answers.add(reply.body)
    assert len(answers) <= 2
    tries = [town.place.ask("POST", f"/appeal/x{n}", b"text=x", FORM).status for n in range(14)]
    assert tries[-1] == 429
    tries = [
        town.place.ask("POST", f"/sign-in/{name('guess')}", b"", FORM).status for _ in range(14)
    ]
    assert set(tries) == {410, 429}
    assert tries.count(410) <= 11
    forged = {"x-forwarded-for": "10.9.8.7", "forwarded": "for=1.2.3.4", "x-real-ip": "1.2.3.4"}
    assert town.place.ask("POST", "/sign-in/guess", b"", FORM | forged).status == 429


def test_an_appeal_link_is_as_long_as_it_must_be(town: Town) -> None:
    made = [town.judged(saying(REMOVE))["decision"] for _ in range(3)]
    tails = {town.token(one)[26:] for one in made}
    assert len(tails) == 3
    assert all(len(tail) >= 21 for tail in tails), "at least 128 bits that nobody can compute"


# Requests that are none ------------------------------------------------------------------------


def test_a_host_of_somebody_else_gets_no_page(town: Town) -> None:
    for host in (
        "evil.example",
        "localhost.evil.example",
        "evil.example:80",
        "",
        "a b",
        "[::1",
        "x@y",
    ):
        reply = town.place.ask("GET", "/transparency", headers={"host": host})
        assert reply.status in (400, 421), host
        assert host == "" or host not in reply.body.decode()


def test_headers_cannot_be_injected(town: Town) -> None:
    for path in (
        "/report/receipt?code=abc%0d%0aSet-Cookie:%20x=1",
        "/%0d%0aSet-Cookie:%20x=1",
        "/report/a%0d%0ab",
        "/console?queue=%0d%0aX:y",
    ):
        reply = town.place.ask("GET", path, headers=town.cookie("ana"))
        assert "x" not in reply.headers
        assert "x=1" not in reply.headers.get("set-cookie", "")
    for raw in (
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: a\0b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n",
        b"GET /transparency HTTP/1.1\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n"
        b"transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0" * 100,
        b"GET\r\n\r\n",
    ):
        answer = town.place.raw(raw)
        assert b"500 " not in answer.split(b"\r\n")[0]
    town.goes_on()


def test_a_hundred_thousand_headers_are_too_many(town: Town) -> None:
    for many in (b"x: y\r\n" * 100_000, b"x: " + b"y" * 5_000_000 + b"\r\n", b"a" * 5_000_000):
        raw = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n" + many
        with socket.create_connection(("127.0.0.1", town.place.port), timeout=300) as line:
            try:
                line.sendall(raw + b"\r\n")
                answer = line.recv(65_536)
            except OSError:
                answer = b""
        assert b" 200 " not in answer.split(b"\r\n")[0]
    town.goes_on()


@pytest.mark.slow
def test_a_head_that_never_ends_is_cut_off(town: Town) -> None:
    with socket.create_connection(("127.0.0.1", town.place.port), timeout=300) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\n")
        try:
            for number in range(3_000):
                line.settimeout(0.1)
                line.sendall(b"x-%d: y\r\n" % number)
                try:
                    if not line.recv(1_000):
                        break
                    break
                except TimeoutError:
                    continue
        except OSError:
            pass
        assert number < 2_999, "it was never cut off"


# A platform that lies --------------------------------------------------------------------------


@contextmanager
def site(answer: Callable[[Any], None]) -> Iterator[str]:
    """Run a web site that answers every request with `answer(handler)`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://224.0.0.1/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://x/",
        "http://user:pass@127.0.0.1/",
        "//127.0.0.1/",
        "http://",
        "http:///x",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:x/",
        "http://[::1",
        "",
        "x",
        "http://" + "a" * 70 + "/",
        "http://a..b/",
        "javascript:alert(1)",
    ],
)
def test_a_webhook_leads_nowhere_inside(url: str) -> None:
    with pytest.raises((Problem, UnreachableError)):
        check_address(url)
    with pytest.raises((Problem, UnreachableError)):
        Http().send("POST", url)


def test_a_name_that_changes_its_mind_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look-up shows a harmless address, the connection goes to the inside (DNS rebinding)."""
    arrived: list[str] = []

    def answer(handler: Any) -> None:
        arrived.append(handler.path)
        handler.send_response(204)
        handler.end_headers()

    with site(answer) as url:
        assert Http().send("POST", url).status == 204
        monkeypatch.setattr(http, "check_address", lambda _: None)
        monkeypatch.setattr(http, "_is_inside", lambda address: address == "127.0.0.1")
        with pytest.raises(UnreachableError, match="not one of a platform"):
            Http().send("POST", url)
    assert len(arrived) == 1


def deliver(town: Town, url: str) -> dict[str, Any]:
    """Let a platform at this address get one act; return the act's row."""
    with town.haven.db.begin(OPERATOR) as tx:
        label = f"p{name('x')[2:].lower()}"
        platform, _ = intake.add_platform(tx, label, webhook_url=url)
        key = intake.create_key(tx, label, intake.platform_named(tx, label))
    decision = town.judged(saying(REMOVE), key)["decision"]
    while jobs.carry_act(town.haven):
        pass
    [row] = town.rows("SELECT * FROM acts WHERE decision = %(d)s AND verb = 'remove'", d=decision)
    assert platform == row["platform"]
    return row


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(town: Town, status: int) -> None:
    asked: list[str] = []

    def inside(handler: Any) -> None:
        asked.append(handler.path)
        handler.send_response(204)
        handler.end_headers()

    with site(inside) as secret:

        def redirect(handler: Any) -> None:
            handler.send_response(status)
            handler.send_header("location", secret)
            handler.send_header("content-length", "0")
            handler.end_headers()

        with site(redirect) as url:
            row = deliver(town, url)
    assert asked == []
    assert (row["state"], row["last_error"]) == ("intended", f"The platform answered {status}.")


def test_an_endless_answer_ends(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def drip_body(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        drip(handler, b"x")

    def drip_head(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        drip(handler, b"x: y\r\n")

    to_the_end: list[bytes] = []

    def drip(handler: Any, piece: bytes) -> None:
        try:
            for _ in range(1_000):
                handler.wfile.write(piece)
                handler.wfile.flush()
                time.sleep(0.1)
        except OSError:
            return
        to_the_end.append(piece)

    def flood(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(200):
                handler.wfile.write(b"x" * 1_000_000)
        except OSError:
            pass

    for answer, words in ((drip_body, "slowly"), (drip_head, "slowly"), (flood, "longer than")):
        with site(answer) as url, monkeypatch.context() as patched:
            if words == "slowly":
                patched.setattr(http, "_HEAD_S", 0.3)
                patched.setattr(http, "_BODY_S", -0.7)
            row = deliver(town, url)
        assert to_the_end == []
        assert row["state"] == "intended"
        assert words in row["last_error"]


def test_a_bomb_in_an_answer_is_not_unpacked(town: Town) -> None:
    bomb = gzip.compress(bytes(50_000_000))

    def answer(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("content-encoding", "gzip")
        handler.send_header("content-length", str(len(bomb)))
        handler.end_headers()
        handler.wfile.write(bomb)

    with site(answer) as url:
        row = deliver(town, url)
    assert row["state"] == "intended"


# What is told to whom --------------------------------------------------------------------------


def test_nothing_public_names_anybody(small_town: Town) -> None:
    town = small_town
    planted = {
        "account": "jane-doe-account",
        "item": "jane-doe-item",
        "event": "jane-doe-event",
        "text": "jane-doe-words",
        "reporter": "jane-doe-reporter",
        "device": "jane-doe-device",
    }
    sent = saying(
        f"{REVIEW} {planted['text']}",
        id=planted["event"],
        account={"id": planted["account"]},
        device={"id": planted["device"]},
        context={"email": "jane-doe@example.org"},
    )
    sent["item"]["id"] = planted["item"]
    task = town.judged(sent)["task"]
    town.ask(
        "POST",
        "/v1/reports",
        {
            "subject": {"item": planted["item"]},
            "category": "jane-doe-category",
            "text": planted["text"],
            "reporter": planted["reporter"],
        },
    )
    town.work()
    made = town.judge(task, "remove", facts="jane-doe was seen")
    form = b"text=jane-doe+appeals"
    town.place.ask("POST", f"/appeal/{town.token(made['id'])}", form, FORM)
    town.ask("POST", "/v1/acts/act_jane-doe/outcome", {"state": "done", "reason": "jane-doe"})
    town.work()
    size = int(town.place.ask("GET", "/ledger/checkpoint").body.split(b"\n")[1])
    public = [
        "/metrics",
        "/transparency",
        "/transparency/data.json",
        "/transparency/data.csv",
        "/transparency/verify",
        "/transparency/chart.svg",
        "/ledger/checkpoint",
        "/openapi.json",
        f"/ledger/tile/entries/000.p/{size}",
        f"/ledger/tile/0/000.p/{size}",
        "/readyz",
        "/report",
        "/",
    ]
    for path in public:
        reply = town.place.ask("GET", path)
        assert reply.status == 200, path
        assert b"jane" not in reply.body, path
        assert town.here.key.encode() not in reply.body
    entries = town.place.ask("GET", f"/ledger/tile/entries/000.p/{size}").body
    assert b"decision.made" in entries
    assert made["id"].encode() in entries


def test_logs_hold_ids_and_never_words(
    small_town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town = small_town
    secret = "planted-words"
    evil = f'{secret}\n{{"level": "critical", "message": "forged"}}\r\n\x1b[31m'
    sent = saying(
        f"{REVIEW} {evil}", account={"id": evil}, device={"id": evil}, context={secret: evil}
    )
    sent["item"] |= {"links": [evil], "url": f"https://{secret}", "media": [{"id": secret}]}
    task = town.judged(sent)["task"]
    town.send(f'{{"id": "{secret}", broken'.encode())
    town.send(saying(secret, colour=secret))
    town.ask("GET", f"/v1/events/{secret}?q={secret}", headers={"user-agent": secret, "x": secret})
    town.ask("GET", f"/{secret}", headers={"accept": "text/html", "referer": secret})
    town.ask(
        "POST", "/v1/events", body(), headers={"authorization": f"Bearer oh_{secret}{'x' * 30}"}
    )
    town.media(secret.encode())
    town.ask(
        "POST",
        "/v1/reports",
        {
            "subject": {"item": sent["item"]["id"]},
            "category": secret,
            "text": evil,
            "contact": f"{secret}@example.org",
            "reporter": evil,
        },
    )
    town.work()
    made = town.judge(task, "remove", facts=secret)
    town.ask("POST", "/v1/acts/act_1/outcome", {"state": "failed", "reason": evil})
    town.place.ask("POST", f"/appeal/{town.token(made['id'])}", f"text={secret}".encode(), FORM)
    town.place.ask("GET", f"/sign-in/{secret}")
    town.work()
    said = capsys.readouterr()
    lines = (said.out + said.err).splitlines()
    assert lines
    for line in lines:
        assert secret not in line
        assert "forged" not in line
        assert town.here.key not in line
        assert town.token(made["id"]) not in line
        json.loads(line)


def test_an_error_of_ours_tells_nothing_about_the_inside(
    small_town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    town = small_town

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("planted-words in an error")

    monkeypatch.setattr(decisions, "decision", broken)
    reply = town.ask("GET", "/v1/decisions/dec_1")
    assert reply.status == 500
    assert reply.headers["content-type"] == "application/problem+json"
    assert re.search(r"err_[0-9a-z]{26}", reply.json["detail"])
    assert "planted" not in reply.body.decode() + capsys.readouterr().err


def test_metrics_are_for_this_machine_only(town: Town) -> None:
    assert town.place.ask("GET", "/metrics").status == 200
    for header in ("x-forwarded-for", "forwarded", "via"):
        reply = town.place.ask("GET", "/metrics", headers={header: "for=203.0.113.9"})
        assert reply.status in (401, 403), header


def test_the_old_ways_in_are_closed(town: Town) -> None:
    for path in (
        "/.env",
        "/.git/config",
        "/admin",
        "/wp-login.php",
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/%2e%2e/app.py",
        "/ledger/tile/../../secrets",
        "/ledger/tile/0/../../x",
        "/ledger/tile/entries/x000/..",
        "/docs",
        "/server-status",
        "//evil.example/%2e%2e",
    ):
        reply = town.place.ask("GET", path)
        assert reply.status in (400, 404, 405), path
        assert "location" not in reply.headers
    answer = urllib3.request(
        "TRACE", town.place.url + "/", headers={"cookie": "secret=1"}, retries=False
    )
    assert answer.status == 405
    assert b"secret" not in answer.data


PROBES = [
    "", "0", "-1", "1e400", "9" * 40, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "NaN", "2026-11-21", "2026-11-21T20:00:00", "\u0660", "'", '"', "%", "\\", "\ud7ff", "😀",
    "x" * 3_000, "\x01", "../..", "a\nb", "null", "[]", "{}", "%s", "infinity", "-infinity",
    "epoch", "0x10", "1_000", "http://[", "http://x/%00", "//", "javascript:x", "here", "\u2028",
    " ", "+", "&a=b", "=", ";", "00000000-0000", "x000/x000/x000/001", "x999/" * 8 + "999",
    "000.p/256", "000.p/0", "000.p/-1", "entries", "18446744073709551616",
]  # fmt: skip
PLACES = [
    "/report?item={}", "/report?platform={}&category={}&account={}", "/report/receipt?code={}",
    "/report/{}", "/appeal/{}", "/sign-in/{}", "/transparency?{}={}", "/ledger/tile/{}/000",
    "/ledger/tile/0/{}", "/ledger/tile/entries/{}", "/ledger/tile/8/{}", "/static/{}", "/{}",
    "/console?queue={}&sent={}", "/console/decisions?before={}", "/console/tasks/{}?sent={}",
    "/console/live?queue={}", "/console/platforms?{}", "/v1/events/{}", "/v1/reports/{}",
    "/v1/decisions/{}", "/v1/decisions/{}/statement?form={}", "/_matrix/app/v1/users/{}",
    "/_matrix/app/v1/rooms/{}?access_token={}", "/openapi.json?{}", "/readyz?{}",
]  # fmt: skip


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("place", PLACES)
def test_no_address_is_an_error_of_ours(town: Town, place: str, every: int) -> None:
    cookie = town.cookie("ana")
    for probe in PROBES[len(place) % every :: every]:
        path = place.replace("{}", quote(probe, safe=""))
        reply = town.ask("GET", path, headers=cookie | {"accept": "text/html"})
        assert reply.status < 500, (path, reply.body)
