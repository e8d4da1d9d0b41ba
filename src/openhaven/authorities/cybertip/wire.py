"""The protocol of the CyberTipline Reporting API: one call each, and what its answer says.

Source: the technical documentation of the API. A call ends in an `Answer`, which is the server's
word, or in `NoAnswerError`: then nobody knows whether it took effect, and the caller must find out.
"""

import base64
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from openhaven.authorities.cybertip.xml import parse
from openhaven.connectors.http import Http, Reply, UnreachableError
from openhaven.core import Problem

XML = "text/xml; charset=utf-8"
SUCCESS, RETRACTED, FINISHED = 0, 5101, 5102
AGAIN = frozenset({1000, 1100, 1110, 1111, 1300})
NOT_RECEIVED = frozenset({1110, 1111})
OURS = frozenset({1210, 4000, 4100, 4110, 4200})
CREDENTIALS = frozenset({2000, 3000, 3100, 3300})
GONE = frozenset({5001, 5002})
TEST_HOST = "exttest.cybertip.org"
_LOCAL = ("localhost", "127.0.0.1", "::1")
_PATIENCE_S = 120.0


class NoAnswerError(Exception):
    """No answer that can be understood came; the call may have taken effect. The words say why."""


class Answer(NamedTuple):
    """What the server said: its code, and what it names. `at` is the server's own clock."""

    code: int
    report: str = ""
    file: str = ""
    md5: str = ""
    files: tuple[str, ...] = ()
    request: str = ""
    at: datetime | None = None


class Account(NamedTuple):
    """The user and password of a service with the authority."""

    user: str
    password: str

    def header(self) -> str:
        """Return the value of `Authorization` (HTTP Basic, RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


class Server:
    """The authority's server, at the address that the operator has set."""

    def __init__(self, http: Http, url: str, account: Account) -> None:
        """Raises `Problem` for an address that is not https, unless it is on this machine."""
        self._http, self._base, self._account = http, base_of(url), account

    def status(self) -> Answer:
        """Ask whether the server answers and knows us; `at` is its clock."""
        return self._answer(self._call("GET", "/status"))

    def xsd(self) -> bytes:
        """Return the schema that is in force. Raises `NoAnswerError`."""
        reply = self._call("GET", "/xsd", limit=5_000_000)
        if reply.status != 200:
            raise NoAnswerError(f"The schema was answered with HTTP {reply.status}.")
        return reply.body

    def submit(self, document: bytes) -> Answer:
        """Open a report; the answer names it."""
        return self._answer(self._call("POST", "/submit", document, {"content-type": XML}))

    def upload(self, report: str, name: str, size: int, data: Iterable[bytes]) -> Answer:
        """Send a file of `size` bytes, piece by piece; the answer has the MD5 of what arrived."""
        border = secrets.token_hex(16)
        head = (_field(border, "id", report) + f"--{border}\r\ncontent-disposition: form-data; "
                f'name="file"; filename="{name}"\r\ncontent-type: application/octet-stream\r\n\r\n'
                ).encode()  # fmt: skip
        tail = f"\r\n--{border}--\r\n".encode()
        length = len(head) + size + len(tail)
        headers = {"content-type": f"multipart/form-data; boundary={border}",
                   "content-length": str(length)}  # fmt: skip
        return self._answer(self._call("POST", "/upload", _body(head, data, size, tail), headers))

    def fileinfo(self, document: bytes) -> Answer:
        """State the details of a file, which is possible once."""
        return self._answer(self._call("POST", "/fileinfo", document, {"content-type": XML}))

    def finish(self, report: str) -> Answer:
        """Finish a report, which cannot be undone; the answer names its files."""
        return self._form("/finish", report)

    def retract(self, report: str) -> Answer:
        """Take back a report that is not finished."""
        return self._form("/retract", report)

    def _form(self, path: str, report: str) -> Answer:
        border = secrets.token_hex(16)
        body = (_field(border, "id", report) + f"--{border}--\r\n").encode()
        headers = {"content-type": f"multipart/form-data; boundary={border}"}
        return self._answer(self._call("POST", path, body, headers))

    def _call(
        self, method: str, path: str, body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None, limit: int = 1_000_000,
    ) -> Reply:  # fmt: skip
        sent = {"authorization": self._account.header(), "user-agent": "openhaven",
                **(headers or {})}  # fmt: skip
        try:
            return self._http.send(method, self._base + path, body=body, headers=sent, limit=limit,
                                   patience_s=_PATIENCE_S)  # fmt: skip
        except UnreachableError as error:
            raise NoAnswerError(str(error)) from error

    def _answer(self, reply: Reply) -> Answer:
        request, at = reply.headers.get("request-id", "")[:100], _clock(reply.headers.get("date"))
        if reply.status in (401, 403):
            return Answer(2000 if reply.status == 401 else 3000, request=request, at=at)
        found = _read(reply.body)
        if found is None:
            raise NoAnswerError(f"It answered HTTP {reply.status}, and nothing that can be read.")
        return found._replace(request=request, at=at)


def base_of(url: str) -> str:
    """Return the server's address without a slash at its end.

    A password and evidence travel there, so that it is https unless it is on this machine. Raises
    `Problem` for another one.
    """
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname in _LOCAL
    if not (parts.scheme == "https" or plain) or not parts.hostname or parts.username:
        raise Problem("authorities.url", "The address of the authority begins with https://.",
                      next_step="Mend cybertip_url under [authorities] in openhaven.toml; plain "
                      "http is only for this machine.")  # fmt: skip
    return url.rstrip("/")


def is_test(url: str) -> bool:
    """Say whether an address is that of the authority's test server: a report there is none."""
    return urlsplit(url).hostname == TEST_HOST


def is_here(url: str) -> bool:
    """Say whether an address is on this machine, where a stand-in or a proxy answers."""
    return urlsplit(url).hostname in _LOCAL


def _read(body: bytes) -> Answer | None:
    try:
        root = parse(body)
        if root.tag not in ("reportResponse", "reportDoneResponse"):
            return None
        code = int(root.findtext("responseCode") or "")
    except ValueError:
        return None
    files = tuple((one.text or "").strip() for one in root.findall("files/fileId"))
    return Answer(code, _id(root, "reportId"), _id(root, "fileId"),
                  _id(root, "hash").lower(), files)  # fmt: skip


def _id(root: Any, name: str) -> str:
    return str(root.findtext(name) or "").strip()[:100]


def _clock(date: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return found if found.tzinfo else None


def _field(border: str, name: str, value: str) -> str:
    return f'--{border}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


def _body(head: bytes, data: Iterable[bytes], size: int, tail: bytes) -> Iterator[bytes]:
    """Yield the form; what is not as long as it should be breaks off, so that it never counts."""
    yield head
    sent = 0
    for piece in data:
        sent += len(piece)
        if sent > size:
            break
        yield piece
    if sent != size:
        raise NoAnswerError("The file is not as long as it was when it was sealed.")
    yield tail
