"""Files and other directories: every mistake has its place, and nothing is half stored."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_scene import HEAD, ME, days_ago, file_of, put, service, today

from openhaven import support
from openhaven.connectors import Http
from openhaven.core import Problem
from openhaven.storage import settings
from openhaven.support import BadFile, Source, fetch, read_csv
from openhaven.support.files import as_csv, shipped
from openhaven.support.jobs import read_directory, read_when_due
from openhaven.support.store import asked, verifications

GOOD = "gb-line,GB,A line,suicide,0800 1\n"


def complaints(text: str | bytes) -> list[str]:
    raw = text.encode() if isinstance(text, str) else text
    with pytest.raises(BadFile) as bad:
        read_csv(raw, today())
    return bad.value.complaints


# Files ----------------------------------------------------------------------------------------


def test_what_ships_is_sound_and_nothing_of_it_is_verified() -> None:
    ours = shipped(today())
    assert len(ours) == 20
    assert all(one.verified_on is None for one in ours)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("gb-line,GB,=HYPERLINK(1),suicide,0800 1", "line 3: name: it begins with “=”"),
        ("gb-line,GB,+44 line,suicide,0800 1", "line 3: name: it begins with “+”"),
        ("gb-line,GB,@line,suicide,0800 1", "line 3: name: it begins with “@”"),
        ("gb-line,GB,A\u202eline,suicide,0800 1", "line 3: name: it holds characters"),
        ("gb-line,GB,,suicide,0800 1", "line 3: name: it is missing"),
        ("gb-line,XX,A line,suicide,0800 1", "line 3: country: “XX” is no country"),
        ("gb-line,gb,A line,suicide,0800 1", "line 3: country: “gb” is no country"),
        ("gb-line,GB,A line,astrology,0800 1", "line 3: topics: “astrology” is no topic"),
        ("gb-line,GB,A line,,0800 1", "line 3: topics: it is missing"),
        ("GB_LINE,GB,A line,suicide,0800 1", "line 3: id: two to sixty small letters"),
        ("gb-line,GB,A line,suicide,+cmd|calc", "line 3: call: this is no number"),
        ("gb-line,GB,A line,suicide,call me", "line 3: call: this is no number"),
        ("gb-line,GB,A line,suicide,", "line 3: call: give at least one way"),
        ("gb-line,GB,A line,suicide", "line 3: it has 4 fields, the head has 5"),
        ('gb-line,GB,"A line,suicide,0800 1', "line 3: unexpected end of data"),
    ],
)
def test_a_mistake_is_named_with_its_line(line: str, why: str) -> None:
    found = complaints(HEAD + "fr-ok,FR,Fine,all,119\n" + line)
    assert len(found) == 1
    assert found[0].startswith(why)


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "http://example.org/", "https://a:b@example.org/", "//example.org",
     "https://127.0.0.1/", "https://localhost/", "https://example.org:8080/", "data:text/html,x",
     "https://exa mple.org/", "https://example.org/\"onclick=", "https://[::1]/", "https://",
     "https://ex\u0430mple.org/", "JAVASCRIPT:alert(1)", "https://example.org/" + "x" * 300],
)  # fmt: skip
def test_only_https_addresses_with_a_name_are_links(address: str) -> None:
    quoted = address.replace('"', '""')
    for column in ("web", "chat"):
        found = complaints(f'id,country,name,topics,{column}\ngb-line,GB,A,all,"{quoted}"\n')
        assert found[0].startswith(f"line 2: {column}: ")


def test_two_lines_with_one_id_are_refused_with_both_lines() -> None:
    found = complaints(HEAD + GOOD + "fr-ok,FR,Fine,all,119\n" + GOOD)
    assert found == ["line 4: id: “gb-line” stands on line 2"]


def test_a_pair_of_one_is_refused() -> None:
    found = complaints("id,country,name,topics,call,pair\ngb-a,GB,A,all,11,p\nfr-a,FR,A,all,11,p\n")
    assert [one.partition(": ")[0] for one in found] == ["line 2", "line 3"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [("2026-13-01,Ann", "a day is written as"), ("20261122,Ann", "a day is written as"),
     (",Ann", "give both the day and who"), ("2020-01-01,", "give both the day and who"),
     ("9999-01-01,Ann", "has not come yet"), ("2020-01-01,=Ann", "as a formula does")],
)  # fmt: skip
def test_a_verification_is_whole_and_in_the_past(fields: str, why: str) -> None:
    head = "id,country,name,topics,call,verified_on,verified_by\n"
    assert why in complaints(f"{head}gb-line,GB,A,all,112,{fields}\n")[0]


@pytest.mark.parametrize(
    ("ages", "least", "most"),
    [("all", 0, 120), ("under 19", 0, 18), ("13-17", 13, 17), ("18+", 18, 120), ("", 0, 120)],
)
def test_ages_are_read(ages: str, least: int, most: int) -> None:
    raw = f"id,country,name,topics,call,ages\ngb-line,GB,A,all,112,{ages}\n".encode()
    (one,) = read_csv(raw, today())
    assert (one.age_from, one.age_to) == (least, most)


@pytest.mark.parametrize("ages", ["17-13", "-5", "13", "200+", "under 0", "a-b", "13-999"])
def test_impossible_ages_are_refused(ages: str) -> None:
    found = complaints(f"id,country,name,topics,call,ages\ngb-line,GB,A,all,112,{ages}\n")
    assert found[0].startswith("line 2: ages: ")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "line 1: the column “id” is missing"),
        (b"id,id,country,name,topics\n", "line 1: a column stands there twice"),
        (b"id,country,name,topics,oops\n", "line 1: there is no column “oops”"),
        (b"id,country,name,topics,call\n", "the file names no service"),
        (HEAD.encode() + b"gb-line,GB,\xff,all,112\n", "line 2: it is not UTF-8"),
        (HEAD.encode() + b"gb-line,GB,\0,all,112\n", "line 2: it holds NUL"),
        (b"x" * 5_000_001, "it is larger than 5 MB"),
        (HEAD.encode() + b"\n" * 20_001 + GOOD.encode(), "it has more than 20000 lines"),
    ],
    ids=["empty", "twice", "unknown", "head", "bytes", "nul", "large", "long"],
)
def test_a_file_that_is_none_is_refused(raw: bytes, why: str) -> None:
    assert why in complaints(raw)


def test_a_thousand_mistakes_are_told_in_fifty_lines() -> None:
    found = complaints(HEAD + "gb-line,XX,A,all,112\n" * 1_000)
    assert len(found) == 51
    assert found[-1] == "and 950 more"


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: (HEAD + text).encode()))
def test_whatever_a_file_holds_it_is_read_or_refused(raw: bytes) -> None:
    with suppress(BadFile):
        found = read_csv(raw, today())
        assert read_csv(as_csv(found).encode(), today()) == found


def test_a_byte_order_mark_and_windows_lines_are_read() -> None:
    raw = b"\xef\xbb\xbf" + (HEAD + GOOD).replace("\n", "\r\n").encode()
    assert [one.id for one in read_csv(raw, today())] == ["gb-line"]


# Storing --------------------------------------------------------------------------------------


def test_what_changes_is_unverified_until_somebody_looks_again(haven) -> None:
    one = service(verified_on=None, verified_by="")
    assert put(haven, one) == support.Imported(1, 0, 0)
    with haven.db.begin(ME) as tx:
        support.verify(tx, "gb-line", "Ann")
    # The same words again, without a verification of their own, keep the one there is.
    assert put(haven, one) == support.Imported(0, 0, 1)
    assert shown(haven, "gb-line")
    assert put(haven, service(call="0000 2222", verified_on=None, verified_by="")).changed == 1
    assert not shown(haven, "gb-line")
    with haven.db.read() as tx:
        assert [one.seen_by for one in verifications(tx, "gb-line")] == ["Ann"]


def shown(haven, id_: str) -> bool:
    return id_ in {one.id for one in haven.support.current().find("GB")}


def test_a_half_of_a_pair_cannot_come_or_go_alone(haven) -> None:
    put(haven, service("gb-a", pair="p"), service("gb-b", pair="p"))
    with pytest.raises(Problem, match="paired"), haven.db.begin(ME) as tx:
        support.withdraw(tx, "gb-a")
    with pytest.raises(BadFile):
        put(haven, service("gb-a"))
    assert shown(haven, "gb-a")
    assert shown(haven, "gb-b")


def test_withdrawn_services_are_gone_until_they_are_imported_again(haven) -> None:
    put(haven, service())
    with haven.db.begin(ME) as tx:
        support.withdraw(tx, "gb-line")
    haven.support.forget()
    assert not shown(haven, "gb-line")
    with pytest.raises(Problem, match="withdrawn"), haven.db.begin(ME) as tx:
        support.verify(tx, "gb-line", "Ann")
    put(haven, service())
    assert shown(haven, "gb-line")


def test_what_ships_comes_back_unchanged_and_never_over_our_own_word(haven) -> None:
    with haven.db.begin(ME) as tx:
        support.verify(tx, "gb-childline", "Ann")
        support.withdraw(tx, "de-nummer-gegen-kummer")
        support.take_in(tx, [service("fr-3018", country="FR", name="Ours")], "file")
    with haven.db.begin(ME) as tx:
        support.ship(tx)
        now = {one.id: one for one in support.kept(tx)}
    assert now["gb-childline"].verified_by == "Ann"
    assert now["de-nummer-gegen-kummer"].withdrawn
    assert now["fr-3018"].name == "Ours"


def test_everything_that_is_done_is_in_the_ledger(haven) -> None:
    put(haven, service(verified_on=None, verified_by=""))
    with haven.db.begin(ME) as tx:
        support.verify(tx, "gb-line", "Ann")
        support.withdraw(tx, "gb-line")
    with haven.db.read() as tx:
        sql = "SELECT kind FROM ledger_entries WHERE kind LIKE 'support.%%' ORDER BY at, id"
        kinds = [row["kind"] for row in tx.rows(sql)]
    assert kinds == ["support.imported", "support.verified", "support.withdrawn"]


@pytest.mark.parametrize("by", ["", "  ", "=Ann", "Ann\u202e", "x" * 81])
def test_who_verified_is_a_name(haven, by: str) -> None:
    with pytest.raises(Problem), haven.db.begin(ME) as tx:
        support.verify(tx, "gb-childline", by)


def test_nobody_verifies_what_was_changed_meanwhile(haven) -> None:
    put(haven, service(verified_on=None, verified_by=""))
    with pytest.raises(Problem, match="changed meanwhile"), haven.db.begin(ME) as tx:
        support.verify(tx, "gb-line", "Ann", content=service(call="0000 2222").content)


# Other directories ----------------------------------------------------------------------------

Answerer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def directory(answer: Answerer) -> Iterator[str]:
    """Run a directory on loopback that answers with `answer`; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join(300)


def send(handler: BaseHTTPRequestHandler, body: object, status: int = 200) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("content-length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)


LINE = {"id": "nz-line", "country": "NZ", "name": "A line", "topics": ["suicide", "child"],
        "languages": ["en", "mi"], "call": "0000", "verified_on": days_ago(3).isoformat(),
        "verified_by": "The directory", "more": None}  # fmt: skip


def test_a_directory_is_read_page_by_page_with_its_key(haven) -> None:
    seen = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.append((handler.path, handler.headers["authorization"]))
        second = LINE | {"id": "nz-other"}
        page = {"services": [second]} if "2" in handler.path else {"services": [LINE]}
        send(handler, page | ({} if "2" in handler.path else {"next": f"{url}/2"}))

    with directory(answer) as url:
        url = url.removesuffix("/v1")
        done = read_directory(haven.db, ME, "json", Source(f"{url}/1", "k", haven.http.read))
    assert done.new == 2
    assert seen == [("/1", "Bearer k"), ("/2", "Bearer k")]
    haven.support.forget()
    assert [one.id for one in haven.support.current().find("NZ")][:2] == ["nz-line", "nz-other"]


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (b"<html>", 200, "not what a directory should send"),
        (b"[" * 100_000, 200, "not what a directory should send"),
        ({"services": [{"id": 7}]}, 200, "not what a directory should send"),
        ({"services": []}, 200, "names no service"),
        ({"services": [LINE, LINE]}, 200, "entry 2: id: “nz-line” stands there twice"),
        ({"services": [LINE, LINE | {"id": "nz-b", "web": "javascript:alert(1)"}]}, 200,
         "entry 2: web: "),
        ({"services": [LINE], "next": "http://example.org/"}, 200, "on another host"),
        ({"services": [LINE]}, 500, "HTTP 500"),
        ({"services": [LINE]}, 429, "HTTP 429"),
        (b"x" * 5_000_001, 200, "longer than"),
    ],
    ids=["html", "deep", "kind", "none", "twice", "script", "away", "broken", "often", "large"],
)  # fmt: skip
def test_garbage_changes_nothing_and_is_written_down(haven, body, status, why) -> None:
    with directory(lambda handler: send(handler, body, status)) as url:
        with pytest.raises(Problem) as found:
            read_directory(haven.db, ME, "json", Source(url, "", haven.http.read))
        assert why in str(found.value)
        with haven.db.read() as tx:
            last = asked(tx, url)
            assert "nz-line" not in {one.id for one in support.kept(tx)}
    assert last is not None
    assert last.error
    assert last.read_at is None


def test_a_directory_that_sends_itself_forever_is_left(haven) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        number = int(handler.path.rpartition("/")[2] or 0) + 1
        send(handler, {"services": [], "next": f"{start}/{number}"})

    with directory(answer) as start, pytest.raises(Problem, match="no end"):
        fetch("json", Source(f"{start}/0", "", haven.http.read), today())


def test_a_directory_that_hangs_is_left(monkeypatch) -> None:
    http = Http()
    monkeypatch.setattr("openhaven.connectors.http._HEAD_S", 0.3)
    going = threading.Event()
    with directory(lambda _: going.wait(60) and None) as url:
        with pytest.raises(Problem, match="too slowly"):
            fetch("json", Source(url, "", http.read), today())
        going.set()


@pytest.mark.parametrize("url", ["http://example.org/", "file:///etc/passwd", "https://a:b@x.org/",
                                 "https://", "", "http://169.254.169.254/"])  # fmt: skip
def test_a_secret_is_only_sent_over_https(url: str) -> None:
    with pytest.raises(Problem, match="https"):
        fetch("json", Source(url, "k", Http().read), today())


def test_an_adapter_that_is_not_there() -> None:
    with pytest.raises(Problem, match="no adapter “carrier-pigeon”"):
        fetch("carrier-pigeon", Source("https://example.org/", "", Http().read), today())


def test_it_is_read_once_a_day_and_once_an_hour_while_it_fails(haven) -> None:
    calls = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        calls.append(1)
        send(handler, {"services": [LINE]}, 200 if len(calls) > 1 else 503)

    with directory(answer) as url:
        wanted = settings.Helplines(directory_url=url)
        with pytest.raises(Problem):
            read_when_due(haven.db, wanted, haven.http.read)
        assert read_when_due(haven.db, wanted, haven.http.read) == 0
        assert len(calls) == 1
        with haven.db.begin(ME) as tx:
            tx.run("UPDATE help_directories SET tried_at = tried_at - interval '61 minutes'")
        assert read_when_due(haven.db, wanted, haven.http.read) == 1
        with haven.db.begin(ME) as tx:
            tx.run("UPDATE help_directories SET tried_at = tried_at - interval '61 minutes'")
        assert read_when_due(haven.db, wanted, haven.http.read) == 0
    assert len(calls) == 2


def test_without_an_address_nobody_is_asked(haven) -> None:
    assert read_when_due(haven.db, settings.Helplines(), haven.http.read) == 0


def test_a_file_goes_in_and_comes_out_the_same(haven) -> None:
    mine = [service(f"gb-{n}", languages=("en",), age_to=17, hours="8–20") for n in range(3)]
    put(haven, *read_csv(file_of(*mine), today()))
    with haven.db.read() as tx:
        stored = [one.plain() for one in support.kept(tx) if one.id.startswith("gb-") and
                  one.id[3:].isdigit()]  # fmt: skip
    assert stored == mine
