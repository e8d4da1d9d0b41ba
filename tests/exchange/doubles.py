"""Small real HTTP servers that speak the protocols of hash-sharing services, faults included."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

Reply = tuple[int, str, bytes]
XML = "https://hashsharing.ncmec.org/hashsharing/v2"


@dataclass
class Asked:
    """A request that came: what for, with which parameters, headers and body."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Double:
    """A service with records, and a fault that is switched on by name.

    Faults: `down` (500), `garbage`, `half` (the connection breaks off), `refuse` (401), `elsewhere`
    (a redirect), `repeat` (the same page again), `huge`, `slow`, `limit` (429).
    """

    fault: str = ""
    fails_at: int = -1
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def answer(self, asked: Asked) -> Reply:
        raise AssertionError(asked.path)

    def reply(self, asked: Asked) -> Reply | None:
        """Return the answer with the fault that is on; None breaks the connection off."""
        self.asked.append(asked)
        if self.fails_at >= 0 and len(self.asked) <= self.fails_at:
            return self.answer(asked)
        match self.fault:
            case "down":
                return 500, "text/plain", b"no"
            case "limit":
                return 429, "text/plain", b"later"
            case "refuse":
                return 401, "text/plain", b"who are you"
            case "garbage":
                return 200, "application/json", b"\x00\xffnot a word of it"
            case "elsewhere":
                return 302, "text/plain", b""
            case "half":
                return None
        return self.answer(asked)


def _handler(double: Double) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length", 0))
            asked = Asked(
                self.command, parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()},
                {k.lower(): v for k, v in self.headers.items()}, self.rfile.read(length),
            )  # fmt: skip
            reply = double.reply(asked)
            if reply is None:
                whole = double.answer(asked)[2]
                self.send_response(200)
                self.send_header("content-length", str(len(whole) + 1000))
                self.end_headers()
                self.wfile.write(whole[: len(whole) // 2])
                self.wfile.flush()
                self.connection.close()
                return
            status, kind, body = reply
            self.send_response(status)
            if status == 302:
                self.send_header("location", "http://169.254.169.254/latest/")
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 (names of the standard library)

        def log_message(self, *args: Any) -> None:
            del args

    return Handler


@contextmanager
def serving(double: Double) -> Iterator[str]:
    """Serve a double on loopback and yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(double))
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    double.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield double.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class NcmecDouble(Double):
    """NCMEC's hash sharing: entries by time, in pages that do not come in the order of time."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    size: int = 2
    reasons: int = 1
    feedback: list[tuple[str, bytes]] = field(default_factory=list)

    def put(self, name: str, at: str, member: int = 42, kind: str = "image", **prints: str) -> None:
        """Add an entry, or replace the one of this name."""
        self.entries = [one for one in self.entries if one["id"] != name]
        one = {"id": name, "at": at, "member": member, "kind": kind, "prints": prints}
        self.entries.append(one)

    def delete(self, name: str, at: str) -> None:
        (old,) = (one for one in self.entries if one["id"] == name)
        self.put(name, at, old["member"], "deleted" + old["kind"].capitalize())

    def answer(self, asked: Asked) -> Reply:
        login = "Basic " + base64.b64encode(b"us:secret").decode()
        if asked.headers.get("authorization") != login:
            return 401, "text/plain", b"no"
        if asked.method == "PUT":
            self.feedback.append((asked.path, asked.body))
            return 200, "application/xml", b"<submissionResult/>"
        if asked.path.endswith("/reasons"):
            found = "".join(f'<reason guid="guid-{n}" name="n"/>' for n in range(self.reasons))
            text = f'<availableFeedbackReasons xmlns="{XML}">{found}</availableFeedbackReasons>'
            return 200, "application/xml", text.encode()
        assert asked.path == "/v2/entries", asked.path
        since, until = asked.query["from"], asked.query["to"]
        found_ = [one for one in self.entries if since <= one["at"] <= until]
        start = int(asked.query.get("start", 0))
        page = found_[start : start + self.size]
        more = start + self.size < len(found_) or self.fault == "repeat"
        after = start if self.fault == "repeat" else start + self.size
        query = f"/v2/entries?from={since}&to={until}&start={after}&size={self.size}&max=9"
        following = f"<paging><next>{escape(query)}</next></paging>" if more else ""
        newest = max((one["at"] for one in page), default="")
        images = "".join(map(self._entry, page))
        text = (
            f'<?xml version="1.0"?><queryResult xmlns="{XML}">'
            f'<images count="{len(page)}" maxTimestamp="{newest}">{images}</images>{following}'
            "</queryResult>"
        )
        return 200, "application/xml", text.encode()

    def _entry(self, one: dict[str, Any]) -> str:
        prints = "".join(f"<{kind}>{value}</{kind}>" for kind, value in one["prints"].items())
        return (
            f'<{one["kind"]}><member id="{one["member"]}">M</member><id>{one["id"]}</id>'
            f"<timestamp>{one['at']}</timestamp><classification>A1</classification>"
            f"<fingerprints>{prints}</fingerprints></{one['kind']}>"
        )


@dataclass
class StopNciiDouble(Double):
    """StopNCII: records by time of change, with a token from page to page."""

    records: list[dict[str, Any]] = field(default_factory=list)
    size: int = 2
    back_to: int | None = None
    feedback: list[dict[str, Any]] = field(default_factory=list)
    submitted: list[dict[str, Any]] = field(default_factory=list)

    def put(self, value: str, at: int, status: str = "Active", kind: str = "ImagePDQ") -> None:
        self.records = [one for one in self.records if one["hashValue"] != value]
        self.records.append({"lastModtimestamp": at, "hashValue": value, "hashStatus": status,
                             "signalType": kind, "caseNumbers": {}})  # fmt: skip

    def answer(self, asked: Asked) -> Reply:
        key = "send-key" if asked.method == "POST" else "fetch-key"
        if asked.path.endswith("/SubmitHashes"):
            key = "submit-key"
        if (
            asked.headers.get("x-functions-key"),
            asked.headers.get("ocp-apim-subscription-key"),
        ) != (key, "sub"):
            return 401, "text/plain", b"no"
        if asked.path.endswith("/SubmitHashes"):
            self.submitted += json.loads(asked.body)["hashRecords"]
            return 200, "application/json", b"{}"
        if asked.method == "POST":
            self.feedback.append(json.loads(asked.body))
            return 200, "application/json", b"{}"
        since = int(asked.query["startTimestamp"])
        found = [one for one in self.records if one["lastModtimestamp"] >= since]
        start = int(asked.query.get("nextPageToken", "t0")[1:])
        page, more = found[start : start + self.size], start + self.size < len(found)
        if self.fault == "repeat":
            more = True
        token = f"t{start}" if self.fault == "repeat" else f"t{start + self.size}"
        newest = max((one["lastModtimestamp"] for one in found), default=since)
        body = {"count": len(page), "hashRecords": page, "hasMoreRecords": more,
                "nextPageToken": token if more else None,
                "nextSetTimestamp": newest if self.back_to is None else self.back_to}  # fmt: skip
        return 200, "application/json", json.dumps(body).encode()


@dataclass
class ThreatExchangeDouble(Double):
    """ThreatExchange: updates of one group, with cursors in the address of the next page."""

    updates: list[dict[str, Any]] = field(default_factory=list)
    size: int = 2
    reactions: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    descriptors: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, number: str, kind: str, value: str, at: int, *statuses: str) -> None:
        said = [{"id": f"{number}{place}", "owner": {"id": str(place)}, "status": status,
                 "tags": {"data": [{"text": "a-tag"}]}}
                for place, status in enumerate(statuses)]  # fmt: skip
        self.updates = [one for one in self.updates if one["id"] != number]
        one: dict[str, Any] = {"id": number, "indicator": value, "type": kind, "last_updated": at,
                               "should_delete": not said}  # fmt: skip
        self.updates.append(one | ({"descriptors": {"data": said}} if said else {}))

    def answer(self, asked: Asked) -> Reply:
        if asked.method == "POST":
            return self.take(asked.path, json.loads(asked.body))
        if asked.query.get("access_token") != "tok|en":
            return 401, "text/plain", b"no"
        assert asked.path == "/77/threat_updates"
        since = int(asked.query.get("start_time", 0))
        found = sorted(
            (one for one in self.updates if one["last_updated"] >= since),
            key=lambda one: one["last_updated"],
        )
        start = int(asked.query.get("after", 0))
        body: dict[str, Any] = {"data": found[start : start + self.size]}
        if start + self.size < len(found) or self.fault == "repeat":
            after = start if self.fault == "repeat" else start + self.size
            # The address of another host: its cursor may be read, but it must not be followed.
            body["paging"] = {"next": f"http://169.254.169.254/x?access_token=stolen&after={after}"}
        return 200, "application/json", json.dumps(body).encode()

    def take(self, path: str, said: dict[str, Any]) -> Reply:
        """Take a reaction, a new descriptor (one for each indicator), or the change of one."""
        if said.get("access_token") != "tok|en":
            return 401, "text/plain", b"no"
        if path == "/threat_descriptors":
            known = [n for n, one in self.descriptors.items()
                     if one["indicator"] == said["indicator"]]  # fmt: skip
            number = known[0] if known else str(9_000 + len(self.descriptors))
            self.descriptors[number] = said
            return 200, "application/json", json.dumps({"success": True, "id": number}).encode()
        if path[1:] in self.descriptors:
            self.descriptors[path[1:]] |= said
        else:
            self.reactions.append((path, said))
        return 200, "application/json", b'{"success": true}'


def until(condition: Callable[[], bool], seconds: float = 300.0) -> None:
    """Wait until something is so; fails when it is not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to be in time"
        time.sleep(0.02)
