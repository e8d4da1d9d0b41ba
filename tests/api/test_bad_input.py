"""Whatever is sent: a plain sentence or a safe result, never an error, and the line goes on."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from api_scene import REVIEW, Town, body, name, problem, saying
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import escape

from stopwatch import stopwatch

PATHS = ("/v1/events", "/v1/events?wait=verdict", "/v1/reports", "/v1/acts/act_1/outcome")


def whole(**changes: Any) -> bytes:
    return json.dumps(body(**changes)).encode()


def with_text(raw: str) -> bytes:
    """Return a post whose text is this piece of raw JSON."""
    return whole(item={"id": name("i"), "text": "HERE"}).replace(
        b'"HERE"', raw.encode("utf-8", "surrogatepass")
    )


def nested(deep: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * deep + closing * deep).encode()


BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b"  \n ",
    "half an object": b'{"id": "e',
    "two values": b"{} {}",
    "a trailing comma": b'{"id": "e1",}',
    "comments": b'{"id": "e1" /* x */}',
    "single quotes": b"{'id': 'e1'}",
    "NaN": b'{"id": NaN}',
    "Infinity": b'{"id": -Infinity}',
    "a byte order mark": b"\xef\xbb\xbf" + whole(),
    "UTF-16": whole().decode().encode("utf-16"),
    "invalid UTF-8": whole().replace(b"lake", b"l\xff\xfeke"),
    "overlong UTF-8": whole().replace(b"lake", b"l\xc0\xafke"),
    "a surrogate in UTF-8": whole().replace(b"lake", b"l\xed\xa0\x80ke"),
    "cut UTF-8": whole()[:-3] + b"\xe2\x82",
    "raw NUL": whole().replace(b"lake", b"la\0ke"),
    "escaped NUL": with_text(r'"la\u0000ke"'),
    "NUL in a key": b'{"i\\u0000d": 1}',
    "NUL in an id": whole(id="e\0"),
    "a lone surrogate": with_text(r'"\ud83d"'),
    "a lone low surrogate": with_text(r'"\udc00"'),
    "surrogates in the wrong order": with_text(r'"\ude00\ud83d"'),
    "a raw control character": with_text('"line\nline"'),
    "a bad escape": with_text(r'"\x41"'),
    "10,000 lists": nested(10_000),
    "10,000 objects": nested(10_000, '{"a":', "}").replace(b":}", b":1}", 1),
    "a million lists": nested(1_000_000),
    "10,000 lists unclosed": b"[" * 10_000,
    "10,000 lists in a field": with_text("[" * 10_000 + "]" * 10_000),
    "10^400": whole(context={"n": 0}).replace(b'"n": 0', b'"n": 1' + b"0" * 400),
    "1e400": whole(context={"n": 0}).replace(b'"n": 0', b'"n": 1e400'),
    "-1e999999999": whole(context={"n": 0}).replace(b'"n": 0', b'"n": -1e999999999'),
    "a number of a million digits": b'{"id": ' + b"7" * 1_000_000 + b"}",
    "2^63": whole(context={"n": 2**63}),
    "NaN in the context": whole(context={"n": 0}).replace(b'"n": 0', b'"n": NaN'),
    "a number with a leading zero": whole(context={"n": 0}).replace(b'"n": 0', b'"n": 007'),
}

WRONG: dict[str, tuple[Any, str]] = {
    # name: what is sent, the path that the answer names
    "a number for an id": (body(id=1), "$.id"),
    "an empty id": (body(id=""), "$.id"),
    "an id of 301 characters": (body(id="x" * 301), "$.id"),
    "a list for an account": (body(account=[]), "$.account"),
    "null for an account": (body(account=None), "$.account"),
    "an object for text": (body(item={"id": "i", "text": {}}), "$.item.text"),
    "an unknown key": (body(colour="red"), "colour"),
    "an unknown key inside": (body(item={"id": "i", "body": "x"}), "$.item"),
    "an unknown kind": (body(kind="post.burn"), "$.kind"),
    "an unknown age band": (body(account={"id": "a", "age_band": "12"}), "$.account.age_band"),
    "a country in small letters": (body(account={"id": "a", "country": "gb"}), "$.account.country"),
    "a country and a line feed": (
        body(account={"id": "a", "country": "GB\n"}),
        "$.account.country",
    ),
    "a language that is none": (body(item={"id": "i", "language": "<b>"}), "$.item.language"),
    "a language and a line feed": (body(item={"id": "i", "language": "en\n"}), "$.item.language"),
    "a string for a flag": (
        body(conversation={"id": "c", "encrypted": "no"}),
        "$.conversation.encrypted",
    ),
    "an object in the context": (body(context={"x": {}}), "$.context"),
    "51 names in the context": (body(context={f"n{n}": n for n in range(51)}), "$.context"),
    "2,001 characters in the context": (body(context={"n": "x" * 2001}), "$.context"),
    "101 links": (body(item={"id": "i", "links": ["x"] * 101}), "$.item.links"),
    "51 media": (body(item={"id": "i", "media": [{"id": "m"}] * 51}), "$.item.media"),
    "100,001 characters": (saying("x" * 100_001), "$.item.text"),
    "the year 1": (body(at="0001-01-01T00:00:00Z"), "$.at"),
    "the year 9999": (body(at="9999-12-31T23:59:59Z"), "$.at"),
    "the year 9999 far in the west": (body(at="9999-12-31T23:59:59-14:00"), "$.at"),
    "the year 1 far in the east": (body(at="0001-01-01T00:00:00+14:00"), "$.at"),
    "the account's year 1": (
        body(account={"id": "a", "created_at": "0001-01-01T00:00:00+14:00"}),
        "$.account.created_at",
    ),
    "the target's year 9999": (
        body(target={"account": {"id": "a", "created_at": "9999-12-31T23:59:59-14:00"}}),
        "$.target.account.created_at",
    ),
    "the year 10000": (body(at="10000-01-01T00:00:00Z"), "$.at"),
    "a leap day that is none": (body(at="2025-02-29T00:00:00Z"), "$.at"),
    "a leap second": (body(at="2016-12-31T23:59:60Z"), "$.at"),
    "no zone": (body(at="2026-11-21T20:00:00"), "$.at"),
    "a day only": (body(at="2026-11-21"), "$.at"),
    "seconds since 1970": (body(at=1_795_000_000), "$.at"),
    "an offset of 99 hours": (body(at="2026-11-21T20:00:00+99:00"), "$.at"),
    "a day after tomorrow": (body(at="2099-01-01T00:00:00Z"), "$.at"),
}

TEXTS = {
    "right to left override": "abc \u202e txt.exe \u202d \u2066 \u2067 \u2069",
    "1 MB of combining characters": "e" + "\u0301" * 99_000,
    "zalgo in an alphabet of its own": "".join(chr(0x300 + n % 100) for n in range(50_000)),
    "all zero-width": "\u200b\u200c\u200d\u2060\ufeff" * 10_000,
    "noncharacters": "\ufffe\uffff\U0001ffff\U0010ffff",
    "family of emoji": "👨‍👩‍👧‍👦" * 5_000,
    "arabic ligature": "\ufdfa" * 20_000,
    "turkish": "İIıi" * 10_000,
    "control characters": "\x01\x02\x1b[31m\x7f\x85\u2028\u2029",
    "sql": "'; DROP TABLE events; --",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "template": "{{ 7*7 }} {% raw %} ${7*7} #{7*7} %s %(x)s {0}",
    "log": 'x\n{"level": "error"}\r\n',
    "long word": "a" * 100_000,
    "many dots": "1.1." * 20_000,
    "many links": "http://a.b/ " * 8_000,
    "regex": "(" * 40_000 + "a" * 10_000,
}


@pytest.mark.parametrize("which", BROKEN)
def test_no_json_gets_a_plain_answer(town: Town, which: str) -> None:
    for path in PATHS:
        told = problem(town.ask("POST", path, BROKEN[which]), 400, 413)
        assert len(json.dumps(told)) < 1_000


def test_broken_items_of_a_batch(town: Town) -> None:
    """What can be told apart is refused alone; what cannot, altogether; nothing breaks."""
    good = [whole(), whole()]
    for raw in BROKEN.values():
        reply = town.send(b"[" + good[0] + b"," + raw + b"," + good[1] + b"]")
        if reply.status == 200:
            assert [one["status"] for one in reply.json] in ([202, 400, 202], [202, 202])
        else:
            problem(reply, 400)
    town.goes_on()


@pytest.mark.parametrize("which", WRONG)
def test_the_wrong_shape_is_refused_with_its_path(town: Town, which: str) -> None:
    sent, path = WRONG[which]
    for query in ("", "?wait=verdict"):
        told = problem(town.send(sent, query), 400)
        assert path in told["detail"], told
        assert told["next"]
    [item] = town.send([sent]).json
    assert item["status"] == 400
    assert path in item["problem"]["detail"]


@pytest.mark.parametrize("which", TEXTS)
def test_monstrous_texts_are_judged(town: Town, which: str) -> None:
    sent = saying(TEXTS[which])
    began = time.process_time()
    verdict = town.judged(sent)
    assert time.process_time() - began < 20
    assert verdict["outcome"] in ("allow", "review", "remove")
    assert not [f for reason in verdict["reasons"] for f in reason["findings"] if f.get("unknown")]


def test_a_megabyte_of_combining_characters_is_too_long_and_harmless(town: Town) -> None:
    told = problem(town.send(saying("e" + "\u0301" * 500_000)), 400)
    assert "$.item.text" in told["detail"]
    escaped = with_text('"' + "\\u0301" * 90_000 + '"')
    assert town.send(escaped, "?wait=verdict").status == 200
    town.goes_on()


def test_a_key_twice_counts_by_its_last_value(town: Town) -> None:
    sent = body()
    raw = json.dumps(sent).replace('"kind": ', '"kind": "session.start", "kind": ')
    assert town.send(raw.encode()).status == 202
    assert town.send(sent).status == 202


# Ids that are traps ----------------------------------------------------------------------------

TRAPS = [
    "'; DROP TABLE events; --",
    '"><script>alert(1)</script>',
    "<img src=x onerror=alert(1)>",
    "../../etc/passwd",
    "a/b/c",
    "//x",
    "50%",
    "%00",
    "%2e%2e",
    "%",
    "?x=1&y",
    "#top",
    ".",
    "..",
    "😀" * 50,
    "x" * 200,
    "\u202egnp.exe",
    "e\u0301",
    " ",
    "  leading",
    "a\tb",
    "a\nb",
    "a\r\nSet-Cookie: x=1",
    "null",
    "0",
    "-1",
    "{{7*7}}",
    "%s",
    "%(p)s",
    "\\",
    "'",
    "\u2028",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("trap", TRAPS, ids=range(len(TRAPS)))
def test_an_id_may_be_anything_and_is_found_by_its_url(town: Town, trap: str) -> None:
    event_id = f"{trap}{name('e')}" if trap not in (".", "..") else name("e") + "/" + trap
    sent = saying(REVIEW, id=event_id, account={"id": trap})
    sent["item"] |= {"id": trap + name("i"), "url": "javascript:alert(1)//" + trap, "links": [trap]}
    sent |= {"device": {"id": trap}, "conversation": {"id": trap}, "context": {trap: trap}}
    first = town.judged(sent)
    found = town.ask("GET", "/v1/events/" + quote(event_id, safe=""))
    assert (found.status, found.json) == (200, first)
    told = town.ask(
        "POST",
        "/v1/reports",
        {
            "subject": {"item": sent["item"]["id"]},
            "category": trap[:200],
            "text": trap,
            "reporter": trap,
            "contact": trap,
        },
    )
    assert told.status == 201
    town.work()
    page = town.place.ask("GET", f"/console/tasks/{first['task']}", headers=town.cookie("ana"))
    assert page.status == 200, page.body
    shown = page.body.decode()
    assert str(escape(trap)) in shown
    for danger in ("<script>alert", "<img src=x", 'href="javascript'):
        assert danger not in shown
    assert "set-cookie" not in page.headers


def test_the_console_shows_hostile_words_as_words(town: Town) -> None:
    hostile = "</textarea><script>alert(1)</script>\"'><svg/onload=alert(1)>"
    sent = saying(f"{REVIEW} {hostile}", account={"id": hostile})
    sent["item"] |= {"type": hostile, "language": "en", "links": [hostile], "url": hostile}
    task = town.judged(sent)["task"]
    made = town.judge(task, "restrict", facts=hostile, days=2)
    act = town.rows(
        "SELECT id FROM acts WHERE decision = %(d)s AND verb = 'restrict'", d=made["id"]
    )[0]["id"]
    town.ask("POST", f"/v1/acts/{act}/outcome", {"state": "failed", "reason": hostile})
    cookie = town.cookie("ana")
    token = town.token(made["id"])
    kind = {"content-type": "application/x-www-form-urlencoded"}
    town.place.ask("POST", f"/appeal/{token}", f"text={quote(hostile)}".encode(), kind)
    pages = [
        "/console",
        f"/console/tasks/{task}",
        f"/console/decisions/{made['id']}",
        "/console/decisions",
        "/console/deliveries",
        f"/appeal/{token}",
        f"/report?item={quote(hostile)}&platform=here",
        f"/console?queue={quote(hostile)}",
        f"/report/receipt?code={quote(hostile)}",
        f"/console/decisions?before={quote(hostile)}",
        f"/{quote(hostile)}",
    ]
    for one in pages:
        page = town.place.ask("GET", one, headers=cookie | {"accept": "text/html"})
        assert page.status < 500, one
        assert b"<script>alert" not in page.body, one
        assert b"<svg/onload" not in page.body, one


ODD_URLS = [
    "/v1/events/",
    "/v1/events//",
    "/v1/events/%",
    "/v1/events/%zz",
    "/v1/events/%00",
    "/v1/events/%ff",
    "/v1/events/%c0%af",
    "/v1/events/%ed%a0%80",
    "/v1/events/" + "x" * 5_000,
    "/v1/decisions/'%20OR%201=1",
    "/v1/decisions/..%2f..%2fetc",
    "/v1/reports/%F0%9F%98%80",
    "/v1/reports/" + "a" * 3_000,
    "/v1/media",
    "/v1/acts//outcome",
    "/V1/EVENTS",
    "/v1/events/x/y",
    "/v1/../v1/events",
    "/v1/%2e%2e/metrics",
    "/v1/decisions/dec_1/statement?form=%00",
    "/v1/decisions/dec_1/statement?form=xml",
    "/v1/events/x?wait=%ff",
]


@pytest.mark.parametrize("url", ODD_URLS, ids=range(len(ODD_URLS)))
def test_odd_urls_are_answered_plainly(town: Town, url: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        problem(town.ask(method, url), 400, 404, 405, 409, 413, 414, 415)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD"])
def test_a_wrong_method_names_the_right_one(town: Town, method: str) -> None:
    told = town.ask(method, "/v1/events")
    assert (told.status, told.headers["allow"]) == (405, "POST")
    if method != "HEAD":
        problem(told, 405)


def test_a_method_that_nobody_knows(town: Town) -> None:
    answer = town.place.raw(b"BREW /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert answer.split(b" ")[1] in (b"400", b"405", b"501")


def test_a_wrong_kind_of_body_is_refused(town: Town) -> None:
    for kind in (
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "",
        "application/json; charset=utf-16",
        "application/x-www-form-urlencoded",
    ):
        problem(town.ask("POST", "/v1/events", whole(), headers={"content-type": kind}), 415)
    problem(town.ask("POST", "/v1/events", whole(), headers={"content-encoding": "gzip"}), 415)
    fine = town.ask(
        "POST", "/v1/events", whole(), headers={"content-type": "Application/JSON; charset=UTF-8"}
    )
    assert fine.status == 202


# Sizes -----------------------------------------------------------------------------------------


def head_of(town: Town, path: str, size: str) -> bytes:
    """Return the head of a request as platform `here`, up to the body."""
    key = f"authorization: Bearer {town.here.key}"
    lines = (
        f"POST {path} HTTP/1.1",
        "host: localhost",
        key,
        "content-type: application/json",
        size,
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_a_declared_100_megabytes_are_refused_at_once(town: Town) -> None:
    for path in ("/v1/events", "/v1/media", "/v1/reports"):
        head = head_of(town, path, "content-length: 100000000")
        with (
            socket.create_connection(("127.0.0.1", town.place.port), timeout=300) as line,
            stopwatch() as seconds,
        ):
            line.sendall(head)
            answer = line.recv(65_536)
            assert seconds() < 60
        assert b" 413 " in answer.split(b"\r\n")[0], answer[:300]


def chunks(total: int, size: int = 1_000_000) -> Iterator[bytes]:
    for _ in range(total // size):
        yield b"x" * size


@pytest.mark.parametrize("path", ["/v1/events", "/v1/media", "/v1/reports"])
def test_a_streamed_100_megabytes_end_early(town: Town, path: str) -> None:
    """In chunks of unknown number: the answer comes as soon as it is too much."""
    with socket.create_connection(("127.0.0.1", town.place.port), timeout=300) as line:
        line.sendall(head_of(town, path, "transfer-encoding: chunked"))
        sent, answer = 0, b""
        line.settimeout(0.01)
        for chunk in chunks(100_000_000):
            try:
                answer = line.recv(65_536)
                break
            except TimeoutError:
                pass
            line.settimeout(300)
            try:
                line.sendall(b"%x\r\n" % len(chunk) + chunk + b"\r\n")
            except OSError:
                break
            line.settimeout(0.01)
            sent += len(chunk)
        line.settimeout(300)
        if not answer:
            answer = line.recv(65_536)
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert sent < 40_000_000
    town.goes_on()


def test_one_who_sends_slowly_holds_nobody_up(town: Town) -> None:
    """Twenty senders that never finish: all others are served meanwhile."""
    head = head_of(town, "/v1/events", "content-length: 1000") + b"{"
    lines = []
    try:
        for number in range(60):
            line = socket.create_connection(("127.0.0.1", town.place.port), timeout=300)
            line.sendall(head if number % 2 else head[:40])
            lines.append(line)
        with stopwatch() as seconds:
            town.goes_on()
            assert seconds() < 60
    finally:
        for line in lines:
            line.close()


def test_clients_that_leave_in_the_middle_leave_nothing_behind(town: Town) -> None:
    before = threading.active_count()
    for cut in range(20, 300, 20):
        raw = head_of(town, "/v1/events?wait=verdict", "content-length: 90") + whole()
        with socket.create_connection(("127.0.0.1", town.place.port), timeout=300) as line:
            line.sendall(raw[:cut])
    town.goes_on()
    assert threading.active_count() <= before + 20


# Reports, acts and forms -----------------------------------------------------------------------

pieces = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
)


@settings(
    max_examples=40,
    deadline=None,
    database=None,
)
@given(
    st.dictionaries(
        st.sampled_from(
            ["subject", "category", "text", "reporter", "contact", "state", "reason", "x"]
        ),
        pieces | st.dictionaries(st.sampled_from(["item", "account", "y"]), pieces, max_size=3),
        max_size=6,
    ),
    st.sampled_from(["/v1/reports", "/v1/acts/act_x/outcome"]),
)
def test_no_report_or_outcome_is_an_error_of_ours(
    town: Town, given_: dict[str, Any], path: str
) -> None:
    raw = json.dumps(given_, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert town.ask("POST", path, raw).status < 500


@pytest.mark.parametrize(
    "contact",
    [
        "a@b\r\nBcc: everybody@example.org",
        "a@b\nX: y",
        "a@b@c",
        "@",
        "a@",
        "ü@exämple.org",
        "a" * 310 + "@b.c",
        "<a@b.c>",
        '"a b"@c.d',
        "a@b,c@d",
        "a@[::1]",
        "\u202ea@b.c",
    ],
)
def test_a_contact_may_be_anything(town: Town, contact: str) -> None:
    sent = saying("tea")
    town.judged(sent)
    reply = town.ask(
        "POST",
        "/v1/reports",
        {
            "subject": {"item": sent["item"]["id"]},
            "category": "spam",
            "text": "x",
            "contact": contact,
        },
    )
    assert reply.status in (201, 400)
    town.goes_on()


def test_forms_that_are_none(town: Town) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded", "x-forwarded-for": name("ip")}
    for raw in (
        b"",
        b"%",
        b"text=%ff",
        b"text=%00",
        b"&&&&==",
        b"a=b&" * 500,
        b"text=" + b"x" * 200_000,
    ):
        for path in ("/appeal/guess", "/sign-in/guess", "/console/next"):
            reply = town.place.ask("POST", path, raw, kind)
            assert 400 <= reply.status < 500, (path, raw[:20], reply.status)


def test_the_report_form_takes_one_plain_address_or_none(town: Town) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    form = {"platform": "here", "item": name("i"), "category": "spam", "text": "Please look."}
    for contact, status in (
        ("", 201),
        ("r@example.org", 201),
        (" r@example.org ", 201),
        ("no address", 400),
        ("@", 400),
        ("a@b.c\r\nBcc: all@example.org", 400),
        ("a@b.c, d@e.f", 400),
        ("a" * 400 + "@b.c", 400),
    ):
        fields = form | {"contact": contact}
        raw = "&".join(f"{key}={quote(value, safe='')}" for key, value in fields.items())
        assert town.place.ask("POST", "/report", raw.encode(), kind).status == status, contact
    for change in (
        {"platform": "nowhere"},
        {"category": "none"},
        {"item": ""},
        {"item": "x" * 300},
        {"text": "x" * 10_001},
        {"item": "http://[::1"},
        {"item": "http://x/%ff%00?a=%zz"},
    ):
        raw = "&".join(f"{key}={quote(value, safe='')}" for key, value in (form | change).items())
        reply = town.place.ask("POST", "/report", raw.encode(), kind)
        assert reply.status in (201, 400, 404), change


def test_a_list_of_millions_of_zeros_is_not_even_made(town: Town) -> None:
    for member in (b"0", b'",[,"', b"{}", b"[[],[]]"):
        told = problem(
            town.send(b"[" + member + (b"," + member) * (2_000_000 // len(member)) + b"]"), 400
        )
        assert told["code"] == "batch.size"
    told = problem(town.send([saying("x" * 1_000) for _ in range(501)]), 400)
    assert (told["code"], told["detail"]) == ("batch.size", "It has 501.")
    large = [saying("x" * 10_000) for _ in range(100)]
    assert town.send(large).status == 200
    quoted = [saying(",[{" * 3_000) for _ in range(60)]
    assert [one["status"] for one in town.send(quoted).json] == [202] * 60
