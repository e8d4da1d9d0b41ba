"""A stand-in for an authority's server: it speaks the CyberTipline protocol over real HTTP.

For the demo (`python -m plaza.authority`) and for tests. Reports are held against a schema, a
finished report cannot be changed, an unfinished one is deleted when its time is over, and faults
can be ordered: answers that come too late or not at all, before or after they took effect, wrong
hashes, errors. It keeps hashes, no files, and all of it in memory. Nobody should ever send it
anything real.
"""

import base64
import hashlib
import itertools
import os
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from plaza.authority_page import shown

# What lets every document pass, where no schema of the authority is at hand.
ANY_SCHEMA = b"""<?xml version="1.0"?><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:element name="report" type="xs:anyType"/><xs:element name="fileDetails" type="xs:anyType"/>
</xs:schema>"""
# What may go wrong with a call: its answer is lost before or after it took effect, the server says
# that it failed (and it did), or it says so in no words, or it names the wrong hash.
FAULTS = ("lost-before", "lost-after", "error", "http-500", "wrong-md5")
_HOURS_24, _HOURS_1 = 24 * 3600.0, 3600.0


@dataclass
class Held:
    """A report as the server has it: its state, its files, and what was stated of each."""

    id: int
    document: bytes
    opened: float
    changed: float
    state: str = "open"
    files: dict[str, str] = field(default_factory=dict)
    details: dict[str, bytes] = field(default_factory=dict)


class Authority:
    """The state of the server. `fault` is asked before each call and names a fault or nothing."""

    def __init__(self, schema: bytes = ANY_SCHEMA, account: str = "demo:demo") -> None:
        """`account` is `user:password`."""
        self.schema, self.account = schema, account
        self.reports: dict[int, Held] = {}
        self.fault: Callable[[str], str] = lambda _: ""
        self.calls: list[str] = []
        self.now = 1_800_000_000.0
        self.date: float | None = None
        self.seen = hashlib.sha256()
        self._numbers = itertools.count(4_000_001)
        self._lock = threading.Lock()

    def finished(self) -> list[Held]:
        """Return the reports that were finished."""
        with self._lock:
            return [one for one in self.reports.values() if one.state == "finished"]

    def received(self) -> list[Held]:
        """Return every report that it knows of, the newest first."""
        with self._lock:
            return sorted(self.reports.values(), key=lambda one: -one.id)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and delete what was not finished in its time."""
        with self._lock:
            self.now += seconds
            for one in self.reports.values():
                if one.state == "open" and self.now > max(one.opened + _HOURS_24,
                                                          one.changed + _HOURS_1):  # fmt: skip
                    one.state = "deleted"

    # What each call does: it returns the code and what the answer names ------------------------

    def submit(self, body: bytes) -> dict[str, object]:
        """Open a report."""
        if not self._fits(body, "report"):
            return {"responseCode": 4100}
        with self._lock:
            number = next(self._numbers)
            self.reports[number] = Held(number, body, self.now, self.now)
        return {"responseCode": 0, "reportId": number}

    def upload(self, report: str, data: bytes, *, wrong: bool = False) -> dict[str, object]:
        """Take a file; the answer has the MD5 of what arrived."""
        with self._lock:
            held, code = self._open(report)
            if held is None:
                return {"responseCode": code}
            name, md5 = secrets.token_hex(16), hashlib.md5(data, usedforsecurity=False).hexdigest()
            held.files[name], held.changed = md5, self.now
        shown = "0" * 32 if wrong else md5
        return {"responseCode": 0, "reportId": report, "fileId": name, "hash": shown}

    def fileinfo(self, body: bytes) -> dict[str, object]:
        """Take the details of a file, once."""
        if not self._fits(body, "fileDetails"):
            return {"responseCode": 4100}
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        report, name = root.findtext("reportId") or "", root.findtext("fileId") or ""
        with self._lock:
            held, code = self._open(report)
            if held is None:
                return {"responseCode": code}
            if name not in held.files:
                return {"responseCode": 5002}
            if name in held.details:
                return {"responseCode": 4000}
            held.details[name], held.changed = body, self.now
        return {"responseCode": 0, "reportId": report, "fileId": name}

    def finish(self, report: str) -> dict[str, object]:
        """Finish a report, for good."""
        with self._lock:
            held, code = self._open(report)
            if held is None:
                return {"responseCode": code}
            if b"<batchedReport" in held.document and len(held.files) != 1:
                return {"responseCode": 4100}
            held.state = "finished"
            return {"responseCode": 0, "reportId": report, "files": list(held.files)}

    def retract(self, report: str) -> dict[str, object]:
        """Take a report back that is not finished."""
        with self._lock:
            held, code = self._open(report)
            if held is not None:
                held.state = "retracted"
            return {"responseCode": 0 if held else code, "reportId": report}

    def _open(self, report: str) -> tuple[Held | None, int]:
        held = self.reports.get(int(report)) if report.isdecimal() else None
        if held is None or held.state == "deleted":
            return None, 5001
        codes = {"open": 0, "retracted": 5101, "finished": 5102}
        return (held if held.state == "open" else None), codes[held.state]

    def _fits(self, body: bytes, root: str) -> bool:
        reader = etree.XMLParser(resolve_entities=False, no_network=True)
        try:
            given = etree.fromstring(body, reader)
            known = etree.XMLSchema(etree.fromstring(self.schema, reader))
        except etree.XMLSyntaxError:
            return False
        return given.tag == root and bool(known.validate(given))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        """Answer `/status` and `/xsd`."""
        self._serve("GET")

    def do_POST(self) -> None:
        """Answer what changes something."""
        self._serve("POST")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _serve(self, method: str) -> None:
        authority, path = self.server.authority, self.path.removeprefix("/ispws")
        if method == "GET" and path in ("/", ""):
            self._send(200, shown(authority.received()).encode(), "text/html; charset=utf-8")
            return
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            # Who died while sending has sent nothing.
            self.close_connection = True
            return
        authority.calls.append(path)
        asked = "Basic " + base64.b64encode(authority.account.encode()).decode()
        if self.headers.get("authorization") != asked:
            self._xml(401, {"responseCode": 2000})
            return
        if path == "/xsd":
            self._send(200, authority.schema)
            return
        self._with_faults(method, path, body, authority.fault(path))

    def _with_faults(self, method: str, path: str, body: bytes, fault: str) -> None:
        if fault == "lost-before":
            self._hang_up()
            return
        if fault == "error":
            self._xml(500, {"responseCode": 1000})
            return
        if fault == "http-500":
            self._send(502, b"<html>Bad gateway</html>")
            return
        given = {"responseCode": 0} if method == "GET" else self._do(path, body, fault)
        if fault == "lost-after":
            self._hang_up()
            return
        self._xml(200 if given["responseCode"] == 0 else 400, given)

    def _do(self, path: str, body: bytes, fault: str) -> dict[str, object]:
        authority = self.server.authority
        if path in ("/submit", "/fileinfo"):
            return authority.submit(body) if path == "/submit" else authority.fileinfo(body)
        form = self._form(body)
        report = form.get("id", b"").decode()
        match path:
            case "/upload":
                return authority.upload(report, form.get("file", b""), wrong=fault == "wrong-md5")
            case "/finish":
                return authority.finish(report)
            case "/retract":
                return authority.retract(report)
        return {"responseCode": 1210}

    def _form(self, body: bytes) -> dict[str, bytes]:
        border = (self.headers["content-type"] or "").partition("boundary=")[2].encode()
        found: dict[str, bytes] = {}
        for part in (b"\r\n" + body).split(b"\r\n--" + border)[1:-1]:
            head, _, data = part.partition(b"\r\n\r\n")
            name = head.partition(b'name="')[2].partition(b'"')[0]
            found[name.decode()] = data
        return found

    def _hang_up(self) -> None:
        self.close_connection = True

    def _xml(self, status: int, given: dict[str, Any]) -> None:
        done = "files" in given
        root = "reportDoneResponse" if done else "reportResponse"
        parts = [f"<responseCode>{given['responseCode']}</responseCode>"]
        if not done:
            parts.append("<responseDescription></responseDescription>")
        parts += [f"<{name}>{escape(str(given[name]))}</{name}>"
                  for name in ("reportId", "fileId", "hash") if name in given]  # fmt: skip
        if done:
            names = "".join(f"<fileId>{escape(one)}</fileId>" for one in given["files"])
            parts.append(f"<files>{names}</files>")
        self._send(status, f"<?xml version='1.0'?><{root}>{''.join(parts)}</{root}>".encode())

    def _send(self, status: int, body: bytes, kind: str = "text/xml") -> None:
        self.send_response_only(status)
        self.send_header("date", formatdate(self.server.authority.date, usegmt=True))
        self.send_header("request-id", secrets.token_hex(8))
        self.send_header("content-type", kind)
        self.send_header("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
        self.send_header("x-content-type-options", "nosniff")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    authority: Authority

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that dies is what this is for."""


@contextmanager
def serving(authority: Authority, port: int = 0) -> Iterator[str]:
    """Answer on this machine alone, in a thread; yields the address for `cybertip_url`."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.authority = authority
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05},
                              daemon=True)  # fmt: skip
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ispws"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def main() -> int:
    """Answer on PLAZA_AUTHORITY_PORT until told to stop; returns 2 without one.

    PLAZA_AUTHORITY_SCHEMA names a file with the schema that reports are held against; without one
    everything that is XML passes.
    """
    port, schema = os.environ.get("PLAZA_AUTHORITY_PORT", ""), ANY_SCHEMA
    if not (port.isascii() and port.isdecimal()):
        sys.stderr.write("PLAZA_AUTHORITY_PORT says on which port the stand-in answers.\n")
        return 2
    if file := os.environ.get("PLAZA_AUTHORITY_SCHEMA"):
        schema = Path(file).read_bytes()
    server = _Server(("127.0.0.1", int(port)), _Handler)
    server.authority = Authority(schema)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
